"""MLflow's own server, started in the background: it goes on when the terminal is closed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Literal

import requests

from lrscope.core.errors import LrscopeError
from lrscope.core.from_store import entries
from lrscope.core.redact import redact_addresses
from lrscope.report.mlflow_ui.serve import LEAN
from lrscope.server.team_folder import ServerSettings, TeamFolder, write_privately
from lrscope.tracking.liveness.process import ProcessIdentity, fate, identity_of

START_WITHIN_S = 120.0
STOP_WITHIN_S = 15.0


def start_page(folder: TeamFolder, settings: ServerSettings, uri: str, accounts: dict[str, str]) -> None:
    """Start the server and wait until it answers.

    Args:
        uri: of the database. It goes into the environment: it may hold a password, and a command line is for everybody.
        accounts: further variables, where one has to sign in.

    Raises:
        LrscopeError: it does not come up; with the last lines of its log.
    """
    environment = {name: value for name, value in os.environ.items() if _of_the_server(name)}
    environment |= LEAN | {"MLFLOW_BACKEND_STORE_URI": uri} | accounts
    # Not through subprocess, which takes a child that outlives its parent for a mistake.
    opened = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(folder.log), opened, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    words = page_words(folder, settings)
    pid = os.posix_spawn(words[0], words, environment, file_actions=streams, setsid=True)
    identity = identity_of(pid)
    write_privately(folder.page_process, json.dumps(identity.to_tags()) + "\n")
    deadline = time.monotonic() + START_WITHIN_S
    while fate(identity) == "alive" and time.monotonic() < deadline:
        if answer_ms(settings) is not None:
            return
        time.sleep(0.2)
    stop_page(folder)
    last = folder.log.read_text(errors="replace").strip().splitlines()[-6:]
    raise LrscopeError("MLflow's server did not start:\n" + redact_addresses("\n".join(last)))


def _of_the_server(name: str) -> bool:
    """A shell from which somebody trains has variables of MLflow's that mean another server; those of S3 mean the store
    behind this one.
    """
    return not name.startswith("MLFLOW_") or name.startswith(("MLFLOW_S3_", "MLFLOW_BOTO_"))


def page_words(folder: TeamFolder, settings: ServerSettings) -> list[str]:
    """The command of MLflow's server, without anything secret."""
    words = [sys.executable, "-m", "mlflow", "server", "--host", settings.host, "--port", str(settings.port)]
    words += ["--workers", str(settings.workers), "--artifacts-destination", folder.artifacts(settings)]
    if settings.allowed_hosts:
        words += ["--allowed-hosts", ",".join(_with_ports(settings.allowed_hosts))]
    if settings.accounts:
        words += ["--app-name", "basic-auth"]
    return words


def page_state(folder: TeamFolder) -> Literal["alive", "gone", "unknown"]:
    """Of the process that was started last; ``unknown`` where another machine started it."""
    identity = _started(folder)
    return "gone" if identity is None else fate(identity)


def stop_page(folder: TeamFolder) -> None:
    """End the server and its workers, if need be by force. A server that is gone is no error."""
    identity = _started(folder)
    if identity is not None and fate(identity) == "alive":
        for number, patience_s in ((signal.SIGTERM, STOP_WITHIN_S), (signal.SIGKILL, STOP_WITHIN_S)):
            with suppress(ProcessLookupError):
                os.killpg(identity.pid, number)
            deadline = time.monotonic() + patience_s
            while fate(identity) == "alive" and time.monotonic() < deadline:
                time.sleep(0.05)
            if fate(identity) != "alive":
                break
    folder.page_process.unlink(missing_ok=True)


def answer_ms(settings: ServerSettings) -> float | None:
    """How long the server takes to say that it is well, in milliseconds; None where it does not."""
    began = time.perf_counter()
    try:
        answer = requests.get(f"{settings.url}/health", timeout=5)
    except requests.RequestException:
        return None
    return (time.perf_counter() - began) * 1000 if answer.ok and answer.text == "OK" else None


def _started(folder: TeamFolder) -> ProcessIdentity | None:
    if not folder.page_process.is_file():
        return None
    found = entries(folder.page_process.read_text(errors="replace"))
    return ProcessIdentity.from_tags({name: str(value) for name, value in found.items()})


def _with_ports(names: str) -> list[str]:
    """Each name by itself and with any port, as MLflow compares it; this machine's own names stay allowed."""
    given = [name.strip() for name in names.split(",") if name.strip()]
    return [spelled for name in (*given, "localhost", "127.0.0.1") for spelled in (name, f"{name}:*")]
