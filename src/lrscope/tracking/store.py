"""The MLflow store: which one it is, whether it answers, and making a fresh one ready."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from lrscope.errors import InputError, Problem, StoreUnreachable
from lrscope.paths import project_root
from lrscope.tracking.bulk import BulkPoints, bulk_points
from lrscope.tracking.locks import file_lock
from lrscope.tracking.safe_paths import folder_name
from lrscope.tracking.secrets import redact

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

T = TypeVar("T")

ANSWER_WITHIN_S = 3.5
"""How long a store may take to answer at the start; with the imports around it a command fails within 5 s."""
_INIT_LOCK_S = 120.0
_REMEDY = "Start it, set tracking.uri, or record without it: tracking.mode=offline, later `make sync`."
_DATABASES = ("postgresql", "mysql", "mssql", "sqlite")

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # The writer has a retry policy of its own; MLflow's blocks one call for 247 s.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Address:
    """Where a store is. ``uri`` may hold a password and is for the client only; ``shown`` is for people and
    files.
    """

    uri: str
    artifacts: Path | None
    """Folder for the artifacts of new experiments; None where the store decides."""

    @property
    def shown(self) -> str:
        return redact(self.uri)

    @property
    def database_file(self) -> Path | None:
        return Path(unquote(urlsplit(self.uri).path[1:])) if self.uri.startswith("sqlite:") else None


def resolve_uri(uri: str | None) -> Address:
    """The store of a setting: ``uri``, else ``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db`` in the
    project's root.

    A relative sqlite path is taken from the project's root, wherever the command was started.

    Raises:
        InputError: a ``file:`` URI or a bare path, which MLflow no longer writes, or no URI at all.
    """
    chosen = (uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db").strip()
    scheme = chosen.partition(":")[0].partition("+")[0].lower() if "://" in chosen else ""
    if scheme in ("http", "https"):
        return Address(chosen.rstrip("/"), None)
    root = project_root()
    if scheme == "sqlite":
        return Address(_absolute_sqlite(chosen, root), root / "mlruns")
    if scheme in _DATABASES:
        return Address(chosen, root / "mlruns")
    if scheme and scheme != "file":
        return Address(chosen, None)
    rule = "MLflow writes to a database or a server, not to a folder of files"
    raise InputError(Problem("tracking.uri", redact(chosen), rule, "Use sqlite:///mlflow.db or http://HOST:5000."))


def _absolute_sqlite(uri: str, root: Path) -> str:
    head, _, rest = uri.partition(":///")
    path, mark, query = rest.partition("?")
    if not path or path == ":memory:":
        rule = "a database in memory is gone when the command ends"
        raise InputError(Problem("tracking.uri", uri, rule, "Use e.g. sqlite:///mlflow.db."))
    return f"{head}:///{root / unquote(path)}{mark}{query}"


class Store:
    """A store that answered, and the client that talks to it."""

    def __init__(self, address: Address, client: MlflowClient, bulk: BulkPoints | None = None) -> None:
        self.address = address
        self.client = client
        self.bulk = bulk
        """A faster way for points, where the store has one."""
        self._experiments: dict[str, str] = {}

    def experiment_id(self, name: str) -> str:
        """The experiment of that name, made where missing, restored where it had been deleted."""
        if name not in self._experiments:
            self._experiments[name] = self._find_or_create(name)
        return self._experiments[name]

    def _find_or_create(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            artifacts = self.address.artifacts
            location = None if artifacts is None else (artifacts / folder_name(name)).as_uri()
            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                # Somebody else made it in between.
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self.client.get_experiment_by_name(name)
                assert found is not None
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def forget_experiments(self) -> None:
        """Look them up again: one may have been deleted since."""
        self._experiments.clear()


def open_store(address: Address) -> Store:
    """A store that answers.

    Raises:
        StoreUnreachable: it does not answer within 5 s, or refuses.
        InputError: its tables belong to another version of MLflow.
    """
    if address.uri.startswith("http"):
        within(ANSWER_WITHIN_S, lambda: _ask_server(address), address)
    elif address.database_file is not None:
        _check_writable(address.database_file, address)
    client = _client(address)
    bulk = None if address.uri.startswith("http") else _prepare_database(address)
    return Store(address, client, bulk)


def within(seconds: float, ask: Callable[[], T], address: Address) -> T:
    """The answer of ``ask``, which runs in a thread of its own: nothing can hold the command longer."""
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(ask())
        except BaseException as error:  # handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="lrscope-reach")
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not answer:
        raise unreachable(address, f"no answer within {seconds:g} s")
    return answer[0]


def unreachable(address: Address, why: str) -> StoreUnreachable:
    return StoreUnreachable(Problem("tracking.uri", address.shown, f"cannot be reached ({redact(why)})", _REMEDY))


def _ask_server(address: Address) -> bool:
    """One cheap call with the client's own credentials, made before MLflow's slow import."""
    import requests

    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
    verify: bool | str = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        verify = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = requests.get(
                f"{address.uri}/api/2.0/mlflow/experiments/search",
                params={"max_results": "1"},
                headers={"Authorization": f"Bearer {token}"} if token and not (user and password) else {},
                auth=(user, password) if user and password else None,
                cert=os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH") or None,
                verify=verify,
                timeout=ANSWER_WITHIN_S,
            )
    except requests.RequestException as error:
        raise unreachable(address, _reason(error)) from None
    own_login = any(os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("AUTH", "AWS_SIGV4"))
    if response.status_code in (401, 403) and own_login:
        return True
    if response.status_code in (401, 403):
        raise unreachable(address, f"it refused the user or password, status {response.status_code}")
    if response.status_code != 200:
        raise unreachable(address, f"it answered with status {response.status_code}")
    return True


def _reason(error: Exception) -> str:
    text = str(error).lower()
    for sign, words in (
        ("refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("resolve", "its name is unknown"),
        ("name or service", "its name is unknown"),
        ("certificate", "its certificate is not trusted"),
        ("reset", "the connection was cut"),
        ("aborted", "the connection was cut"),
    ):
        if sign in text:
            return words
    return type(error).__name__


def _check_writable(file: Path, address: Address) -> None:
    target = file if file.exists() else _nearest_folder(file.parent)
    if not os.access(target, os.W_OK) or not os.access(_nearest_folder(file.parent), os.W_OK):
        raise unreachable(address, f"{target} is read-only")


def _nearest_folder(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _client(address: Address) -> MlflowClient:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MlflowClient(address.uri)


def _prepare_database(address: Address) -> BulkPoints | None:
    """Create or check the tables. Under a lock for sqlite: of many processes that migrate a fresh file at
    once, one survives.
    """
    file = address.database_file
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    lock = file_lock(Path(f"{file}.lock"), _INIT_LOCK_S) if file else nullcontext(True)
    with lock as held:
        if not held:
            raise unreachable(address, f"another process has been preparing it for {_INIT_LOCK_S:g} s")
        if file is not None:
            _write_ahead(file, address)
        return _connect(address)


def _write_ahead(file: Path, address: Address) -> None:
    """Write-ahead logging stays in the file; it lets several processes write side by side, 1.4 times
    faster.
    """
    import sqlite3

    try:
        connection = sqlite3.connect(file, timeout=ANSWER_WITHIN_S)
        try:
            connection.execute("PRAGMA journal_mode=wal").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise unreachable(address, str(error)) from None


def _connect(address: Address) -> BulkPoints | None:
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return bulk_points(SqlAlchemyStore(address.uri, str(address.artifacts)).engine)
    except (MlflowException, SQLAlchemyError) as error:
        if "schema" in str(error).lower():
            rule = "the tables in it belong to another version of MLflow"
            remedy = "Copy the database, then run: mlflow db upgrade URI."
            raise InputError(Problem("tracking.uri", address.shown, rule, remedy)) from None
        raise unreachable(address, str(error).splitlines()[0]) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of MLflow's parts out of the terminal while a call runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
