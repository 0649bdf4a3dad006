"""The story of a team's server: start, stop, status, upgrade."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.core.redact import redact_addresses
from lrscope.report.mlflow_ui.local_server import check_port
from lrscope.server.accounts import read_accounts, sign_in_settings, tell_users
from lrscope.server.postgres import Database, OwnDatabase, cluster
from lrscope.server.server_page import answer_ms, page_state, start_page, stop_page
from lrscope.server.team_folder import ServerSettings, TeamFolder, write_privately

_UPGRADE = (
    "import os; from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry as engine; "
    "_upgrade_db(engine(os.environ['TO_UPGRADE']))"
)
"""What ``mlflow db upgrade`` does, with the address in the environment: it may hold a password."""


@dataclass(frozen=True)
class Started:
    """What a start came to."""

    settings: ServerSettings
    already: bool
    new_users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Health:
    """What is seen of a server.

    page_ms: how long its page takes to say that it is well, in milliseconds; None where it does not.
    """

    settings: ServerSettings
    page_ms: float | None
    database_runs: bool | None
    database_bytes: int | None
    artifacts_bytes: int | None
    free_bytes: int

    @property
    def well(self) -> bool:
        return self.page_ms is not None and self.database_runs is not False


def start(
    folder: TeamFolder,
    settings: ServerSettings,
    users_file: Path | None,
    database: str | None,
    begins: Callable[[], None] = lambda: None,
) -> Started:
    """Start the database, the server in front of it, and let the users in.

    Args:
        settings: as asked for; they are kept for the next start.
        users_file: of lines ``name:password``; None where nobody signs in, or all are known already.
        database: address of a database of the user's; None for the one of the last start, else a cluster in the folder.
        begins: called when nothing speaks against it any more.

    Raises:
        InputError: something has to be changed first; nothing was started.
        LrscopeError: a part does not come up; what was started before it is stopped again.
    """
    users = read_accounts(users_file) if users_file is not None else ()
    _check(settings)
    folder.make()
    if page_state(folder) == "alive":
        running = folder.known()
        if replace(running, own_database=settings.own_database) != settings or database is not None:
            rule = f"runs already, as {running.url}"
            raise InputError(Problem("server", str(folder.path), rule, "Stop it first: lrscope server stop."))
        return Started(running, True, tuple(tell_users(running, users)))
    check_port(settings.port)
    if database is not None:
        write_privately(folder.database_address, database)
    settings = replace(settings, own_database=folder.database_address.is_file())
    environment = sign_in_settings(folder, settings, users)
    store = database_of(folder, settings)
    begins()
    store.start()
    try:
        start_page(folder, settings, store.uri, environment)
    except BaseException:
        store.stop()
        raise
    folder.keep(settings)
    return Started(settings, False, tuple(tell_users(settings, users)))


def stop(folder: TeamFolder) -> bool:
    """Stop the server and, where it is the folder's, the database.

    Returns:
        whether anything ran.
    """
    settings = folder.known()
    state = page_state(folder)
    if state == "unknown":
        rule = "was started on another machine"
        raise InputError(Problem("server", str(folder.path), rule, "Stop it there."))
    stop_page(folder)
    store = database_of(folder, settings)
    ran = state == "alive" or (not settings.own_database and cluster(folder.cluster).running)
    store.stop()
    return ran


def health(folder: TeamFolder) -> Health:
    settings = folder.known()
    own = settings.own_database
    return Health(
        settings,
        page_ms=answer_ms(settings) if page_state(folder) != "gone" else None,
        database_runs=None if own else cluster(folder.cluster).running,
        database_bytes=None if own else folder.size_bytes(folder.cluster / "data"),
        artifacts_bytes=None if settings.artifacts.startswith("s3://") else _artifacts_bytes(folder, settings),
        free_bytes=folder.free_bytes(),
    )


def upgrade(folder: TeamFolder) -> None:
    """Bring the database's tables to the form that the installed MLflow wants. The server must be stopped.

    Raises:
        InputError: it runs.
        LrscopeError: MLflow cannot upgrade it; with its last lines.
    """
    need_stopped(folder)
    store = database_of(folder, folder.known())
    store.start()
    try:
        words, environment = [sys.executable, "-c", _UPGRADE], os.environ | {"TO_UPGRADE": store.uri}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, errors="replace", check=False)
    finally:
        store.stop()
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise LrscopeError("MLflow could not upgrade the database:\n" + redact_addresses(last))


def need_stopped(folder: TeamFolder) -> None:
    """Raises InputError: the server runs."""
    if page_state(folder) == "alive":
        raise InputError(Problem("server", str(folder.path), "runs", "Stop it first: lrscope server stop."))


def database_of(folder: TeamFolder, settings: ServerSettings) -> Database:
    if settings.own_database:
        return OwnDatabase(folder.database_address.read_text().strip())
    return cluster(folder.cluster)


def _artifacts_bytes(folder: TeamFolder, settings: ServerSettings) -> int:
    return folder.size_bytes(Path(folder.artifacts(settings)))


def _check(settings: ServerSettings) -> None:
    problems = []
    if settings.open and not settings.accounts:
        remedy = "Add --users FILE, a file of lines NAME:PASSWORD."
        problems.append(Problem("--host", settings.host, "lets other machines in, and nobody would sign in", remedy))
    if settings.open and not settings.allowed_hosts:
        remedy = "Add --allowed-hosts NAME: how browsers and programs will call this machine."
        problems.append(Problem("--host", settings.host, "MLflow refuses calls by names that it was not told", remedy))
    if settings.accounts and settings.permission not in ("READ", "USE", "EDIT", "MANAGE", "NO_PERMISSIONS"):
        remedy = "Use READ, USE, EDIT, MANAGE or NO_PERMISSIONS."
        problems.append(Problem("--permission", settings.permission, "MLflow knows no such permission", remedy))
    if settings.workers < 1:
        problems.append(Problem("--workers", str(settings.workers), "must be at least 1", "Use --workers 2."))
    if settings.artifacts and not settings.artifacts.startswith("s3://") and not Path(settings.artifacts).is_absolute():
        remedy = f"Write {Path(settings.artifacts).resolve()}."
        problems.append(Problem("--artifacts", settings.artifacts, "must be an absolute path or s3://…", remedy))
    if problems:
        raise InputError(problems)
