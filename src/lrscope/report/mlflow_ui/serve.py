"""MLflow's page on this machine: the lean server, and the links to open."""

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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.core.paths import project_root
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri

HOST = "127.0.0.1"
PORT = 5000
START_WITHIN_S = 90.0
STOP_WITHIN_S = 5.0

LEAN = {
    # 2 processes, 0.4 GiB and 3 s instead of 15 processes, 1.9 GiB and 7 s: jobs serve MLflow's GenAI features.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class Page:
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


def serve(uri: str | None, port: int, ready: Callable[[str], None]) -> int:
    """Serve the store's runs on ``http://127.0.0.1:PORT`` until Ctrl-C, SIGTERM, or the server's end.

    Args:
        uri: of the store; None as for a run. A server's address is not served again: its own page is named.
        port: to listen on, this machine only.
        ready: is called with the page's address once it answers.

    Raises:
        InputError: the port is taken, or the store cannot be read.
        LrscopeError: the server does not start; the message ends with its last lines.
    """
    address = resolve_uri(uri)
    if address.uri.startswith(("http://", "https://")):
        open_store(address)
        ready(address.shown)
        return 0
    check_port(port)
    open_store(address)
    with tempfile.TemporaryFile() as log:
        page = start(address.uri, port, log)
        old = signal.signal(signal.SIGTERM, _as_interrupt)
        # A shell that starts a command in the background has it ignore Ctrl-C; a server must still end by it.
        old_interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            wait_for(page, log)
            ready(page.url)
            return page.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            page.stop()
            signal.signal(signal.SIGTERM, old)
            signal.signal(signal.SIGINT, old_interrupt)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def check_port(port: int) -> None:
    """Raises:
    InputError: somebody listens there already, or it is no port.
    """
    if not 0 < port < 65536:
        raise InputError(Problem("port", str(port), "must be between 1 and 65535", f"Use e.g. --port {PORT}."))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            rule = "is taken: another server runs there" if not isinstance(error, PermissionError) else "is not yours"
            raise InputError(Problem("port", str(port), rule, f"Use another: --port {port % 60000 + 1}.")) from error


def start(uri: str, port: int, log: IO[bytes]) -> Page:
    """Start the server in a process group of its own. The store's address goes by environment: it may hold a password,
    and a command line is for everybody to read.
    """
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(project_root() / "mlruns")]
    environment = {**os.environ, **LEAN, "MLFLOW_BACKEND_STORE_URI": uri}
    environment.pop("MLFLOW_TRACKING_URI", None)
    process = subprocess.Popen(
        command, env=environment, cwd=project_root(), stdout=log, stderr=log, start_new_session=True
    )
    return Page(f"http://{HOST}:{port}", process)


def wait_for(page: Page, log: IO[bytes]) -> None:
    """Until the page answers.

    Raises:
        LrscopeError: it does not within ``START_WITHIN_S``; with the last lines of the log.
    """
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and page.process.poll() is None:
        try:
            urllib.request.urlopen(f"{page.url}/health", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log.seek(0)
    last = log.read().decode(errors="replace").strip().splitlines()[-5:]
    raise LrscopeError("MLflow's server did not start:\n" + "\n".join(last))
