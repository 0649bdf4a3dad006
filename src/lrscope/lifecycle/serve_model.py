"""Requests answered with a registered model, by MLflow's own scoring server on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from lrscope.core.errors import InputError, Problem
from lrscope.report.data.connect import connect
from lrscope.report.mlflow_ui.local_server import HOST, check_port, run_server
from lrscope.tracking.mlflow_store.registry import CHAMPION, Version, aliases, check_name, version_at, versions


def serve_model(wanted: str, uri: str | None, port: int, ready: Callable[[str, Version], None]) -> int:
    """Answer requests on ``http://127.0.0.1:PORT/invocations`` until Ctrl-C, SIGTERM, or the server's end.

    The model is unpickled: whoever can write to the registry decides what runs here.

    Args:
        wanted: ``NAME``, ``NAME@alias`` or ``NAME@2``; a name alone means its champion.
        uri: of the store; None as for a run.
        port: to listen on, this machine only.
        ready: is called with the address and the version once it answers.

    Raises:
        InputError: no such model, no such alias; the port is taken.
        LrscopeError: the server does not start; the message ends with its last lines.
    """
    name, _, alias = wanted.partition("@")
    check_name(name)
    client = connect(uri)
    version = version_at(client, name, alias or CHAMPION)
    if version is None:
        known = ", ".join(sorted(aliases(client, name))) or "none"
        rule = f"its aliases are: {known}" if versions(client, name) else "nothing is registered under this name"
        remedy = "Register a model first: lrscope register SWEEP NAME."
        raise InputError(Problem("serve", wanted, rule, remedy))
    check_port(port)
    from mlflow.pyfunc.scoring_server import _SERVER_MODEL_PATH

    command = [sys.executable, "-m", "uvicorn", "--host", HOST, "--port", str(port)]
    command += ["mlflow.pyfunc.scoring_server.app:app"]
    told = {"MLFLOW_TRACKING_URI": client.tracking_uri, _SERVER_MODEL_PATH: f"models:/{name}/{version.number}"}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    return run_server(command, {**os.environ, **quiet, **told}, port, lambda url: ready(url, version))
