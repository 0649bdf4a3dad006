"""MLflow's page on this machine: the lean server, and the links to open."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from lrscope.core.paths import project_root
from lrscope.report.mlflow_ui.local_server import HOST, check_port, run_server
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri

LEAN = {
    # 2 processes, 0.4 GiB and 3 s instead of 15 processes, 1.9 GiB and 7 s: jobs serve MLflow's GenAI features.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


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
    return run_server(*page_command(address.uri, port), port, ready)


def page_command(uri: str, port: int) -> tuple[list[str], dict[str, str]]:
    """The command that serves MLflow's page of a store, and its environment, which names the store."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(project_root() / "mlruns")]
    environment = {**os.environ, **LEAN, "MLFLOW_BACKEND_STORE_URI": uri}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return command, environment
