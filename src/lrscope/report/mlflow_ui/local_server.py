"""A server of MLflow's on this machine: started, waited for, and ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.core.paths import project_root
from lrscope.report.mlflow_ui import ends_with_parent

HOST = "127.0.0.1"
START_WITHIN_S = 90.0
STOP_WITHIN_S = 5.0


@dataclass(frozen=True)
class LocalServer:
    """A server that runs: where, and how to end it."""

    url: str
    process: subprocess.Popen[bytes]

    def wait(self) -> int:
        """Until it ends; its exit status."""
        return self.process.wait()

    def stop(self) -> None:
        """End the server and its workers."""
        for number, patience in ((signal.SIGTERM, STOP_WITHIN_S), (signal.SIGKILL, STOP_WITHIN_S)):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                return


def run_server(command: Sequence[str], environment: Mapping[str, str], port: int, ready: Callable[[str], None]) -> int:
    """Run a server that listens on ``http://127.0.0.1:PORT`` until Ctrl-C, SIGTERM, or its own end.

    Args:
        environment: its whole environment. A store's address goes there: it may hold a password, and a command line is
            for everybody to read.
        port: to listen on, found free by ``check_port``.
        ready: is called with its address once it answers.

    Raises:
        LrscopeError: it does not start; the message ends with its last lines.
    """
    with tempfile.TemporaryFile() as log:
        old = signal.signal(signal.SIGTERM, _as_interrupt)
        # A shell that starts a command in the background has it ignore Ctrl-C; a server must still end by it.
        old_interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
        server: LocalServer | None = None
        try:
            server = start(command, environment, port, log)
            wait_for(server, log)
            ready(server.url)
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)  # who asks twice has it end all the same
            if server is not None:
                server.stop()
            signal.signal(signal.SIGTERM, old)
            signal.signal(signal.SIGINT, old_interrupt)


def start(command: Sequence[str], environment: Mapping[str, str], port: int, log: IO[bytes]) -> LocalServer:
    """Start a server in a process group of its own, which ends with this process however that ends."""
    guarded = [sys.executable, "-S", ends_with_parent.__file__, *command]
    process = subprocess.Popen(
        guarded,
        env=environment,
        cwd=project_root(),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    return LocalServer(f"http://{HOST}:{port}", process)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def check_port(port: int) -> None:
    """Raises:
    InputError: somebody listens there already, or it is no port.
    """
    if not 0 < port < 65536:
        raise InputError(Problem("port", str(port), "must be between 1 and 65535", "Use e.g. --port 5000."))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            rule = "is taken: another server runs there" if not isinstance(error, PermissionError) else "is not yours"
            raise InputError(Problem("port", str(port), rule, f"Use another: --port {port % 60000 + 1}.")) from error


def wait_for(server: LocalServer, log: IO[bytes]) -> None:
    """Until it answers.

    Raises:
        LrscopeError: it does not within ``START_WITHIN_S``; with the last lines of the log.
    """
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            urllib.request.urlopen(f"{server.url}/health", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log.seek(0)
    last = log.read().decode(errors="replace").strip().splitlines()[-5:]
    raise LrscopeError("MLflow's server did not start:\n" + "\n".join(last))
