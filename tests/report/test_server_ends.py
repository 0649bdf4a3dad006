"""A server ends with the command that started it, however that ends: by SIGTERM, by two of them, by SIGKILL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from servers import free_port

SERVER = """
import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
COMMAND = f"""
import os, sys
from lrscope.report.mlflow_ui import local_server
port = int(sys.argv[1])
local_server.wait_for = lambda server, log: None
sys.exit(local_server.run_server([sys.executable, "-c", {SERVER!r}, str(port)], dict(os.environ), port, print))
"""


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex(("127.0.0.1", port)) == 0


def _until(wanted: bool, port: int) -> bool:
    deadline = time.monotonic() + 120
    while _answers(port) is not wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return _answers(port) is wanted


@pytest.mark.parametrize("signals", [(signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM), (signal.SIGKILL,)])
def test_a_server_ends_with_its_command(signals: tuple[signal.Signals, ...]) -> None:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(port)], stdout=subprocess.DEVNULL) as command:
        try:
            assert _until(True, port)
            for number in signals:
                os.kill(command.pid, number)
            command.wait(120)
            assert _until(False, port), "nobody listens any more"
        finally:
            command.kill()
