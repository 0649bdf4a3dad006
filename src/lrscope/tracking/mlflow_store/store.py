"""The MLflow store: making a fresh one ready, and the client that talks to it."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import sqlite3
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, NotConfirmed, Problem
from lrscope.core.failpoint import failpoint
from lrscope.core.from_store import folder_name
from lrscope.core.redact import redact
from lrscope.tracking.journal.locks import file_lock
from lrscope.tracking.mlflow_store.address import Address, resolve_uri
from lrscope.tracking.mlflow_store.artifact_place import check_place
from lrscope.tracking.mlflow_store.bulk import BulkPoints, bulk_points
from lrscope.tracking.mlflow_store.follow_move import follow_move
from lrscope.tracking.mlflow_store.reach import ANSWER_WITHIN_S, check_database, check_reachable, unreachable

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.tracking import MlflowClient

__all__ = ["Address", "Store", "open_store", "quiet", "resolve_uri"]

_PREPARE_S = 120.0
_LEAST_ROOM = 3_000_000
"""Bytes that a fresh store takes while it is made."""

_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "ceph", "lustre", "gpfs", "fuse.sshfs", "afs", "glusterfs")

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # The writer has a retry policy of its own; MLflow's blocks one call for 247 s.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class Store:
    """A store that answered, and the client that talks to it."""

    def __init__(self, address: Address, client: MlflowClient, bulk: BulkPoints | None = None) -> None:
        self.address = address
        self.client = client
        self.bulk = bulk
        """A faster way for points, where the store has one."""
        self._experiments: dict[str, str] = {}
        self._names: set[str] | None = None
        self._artifacts: dict[str, str] = {}

    def experiment_id(self, name: str) -> str:
        """The experiment of that name, made where missing, restored where it had been deleted."""
        if name not in self._experiments:
            if not (identity := self._find_or_create(name)):
                raise NotConfirmed("it answered that an experiment is made, without its id")
            self._experiments[name] = identity
        return self._experiments[name]

    def _find_or_create(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        missing = self._names is not None and name not in self._names
        found = None if missing else self.client.get_experiment_by_name(name)
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
        if found.name != name:
            raise NotConfirmed("it was asked for one experiment, and answered with another")
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def know_experiments(self, listed: Sequence[Any]) -> None:
        """Take note of a whole list of experiments, which spares looking one up by its name."""
        self._names = {experiment.name for experiment in listed}
        active = (experiment for experiment in listed if experiment.lifecycle_stage == "active")
        self._experiments |= {experiment.name: str(experiment.experiment_id) for experiment in active}

    def forget_experiments(self) -> None:
        """Look them up again: one may have been deleted since."""
        self._experiments.clear()
        self._names = None

    def know_run(self, run: Any) -> None:
        """Take note of where a run keeps its artifacts, which spares asking before the first one."""
        self._artifacts[run.info.run_id] = run.info.artifact_uri

    def artifacts_of(self, run_id: str) -> ArtifactRepository:
        """Where the artifacts of a run go."""
        if run_id not in self._artifacts:
            self.know_run(self.run(run_id))
        return self.artifact_folder(self._artifacts[run_id])

    def run(self, run_id: str) -> Any:
        """The run of that id, as the store has it now.

        Raises:
            NotConfirmed: it answered with something else.
        """
        return self.client.get_run(run_id)

    def artifact_folder(self, location: str) -> ArtifactRepository:
        """The folder of artifacts at a location that the store named.

        Raises:
            InputError: nothing may be written there.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        check_place(location, self.address.uri)
        return get_artifact_repository(location, tracking_uri=self.address.uri)


def open_store(address: Address, asked: bool = False) -> Store:
    """A store that answers.

    Args:
        asked: it has just been found to answer: a busy one need not be asked twice.

    Raises:
        StoreUnreachable: it does not answer within 5 s, or refuses.
        InputError: its tables belong to another version of MLflow.
    """
    if not asked:
        check_reachable(address)
    import_mlflow()
    bulk = _prepare_database(address) if address.is_database else None
    from lrscope.tracking.mlflow_store.checked_client import CheckedClient

    return Store(address, CheckedClient(address.uri), bulk)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of MLflow's parts out of the terminal while a call runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def import_mlflow() -> None:
    """Import it without its chatter, telemetry and long retries, unless the user's environment says otherwise."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with quiet():
        import mlflow.tracking  # noqa: F401
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _prepare_database(address: Address) -> BulkPoints | None:
    """Create or check the tables. For a file under a lock: of many processes that migrate a fresh one, one survives."""
    file = address.database_file
    if file is None:
        return _connect(address)
    file = Path(os.path.realpath(file))
    check_database(file, address)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file_lock(Path(f"{file}.lock"), _PREPARE_S)
        with lock as held:
            if not held:
                raise unreachable(address, f"another process has been preparing it for {_PREPARE_S:g} s")
            if not file.exists() or file.stat().st_size == 0:
                _create(file, address)
            follow_move(file, address.artifacts)
            if not _on_network(file):
                _write_ahead(file)
            return _connect(address)
    except (OSError, sqlite3.Error) as error:
        raise unreachable(address, _reason(address, error)) from None


def _create(file: Path, address: Address) -> None:
    """Make the tables beside their place and move them there whole: MLflow cannot go on with tables that a full disk or
    a kill left half made.
    """
    # A name of its own: MLflow keeps what it once opened under a name for as long as the process lives.
    fresh = file.with_name(f"{file.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        _engine(f"sqlite:///{fresh}", address).dispose()
        with failpoint("store"):
            fresh.replace(file)
    finally:
        for left in file.parent.glob(f"{glob.escape(file.name)}.????????.new*"):
            left.unlink(missing_ok=True)


def _write_ahead(file: Path) -> None:
    """Write-ahead logging stays in the file; it lets several processes write side by side, 1.4 times faster."""
    connection = sqlite3.connect(file, timeout=ANSWER_WITHIN_S)
    try:
        connection.execute("PRAGMA journal_mode=wal").fetchone()
    finally:
        connection.close()


def _on_network(file: Path) -> bool:
    """Write-ahead logging needs memory that all writers share, which machines do not."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    over = [fields for fields in mounts if file.is_relative_to(fields[1].replace("\\040", " "))]
    nearest = max(over, key=lambda fields: len(fields[1]), default=["", "", ""])
    return nearest[2].startswith(_NETWORK_FILE_SYSTEMS)


def _connect(address: Address) -> BulkPoints | None:
    return bulk_points(_engine(address.uri, address))


def _engine(uri: str, address: Address) -> Any:
    """MLflow's connection to the tables, which it makes where there are none; an error names ``address``."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return SqlAlchemyStore(uri, str(address.artifacts)).engine
    except (MlflowException, SQLAlchemyError) as error:
        if "schema" in str(error).lower():
            rule = "the tables in it belong to another version of MLflow"
            remedy = "An older one: copy the database, then run: mlflow db upgrade URI. A newer one: install that."
            raise InputError(Problem("tracking.uri", address.shown, rule, remedy)) from None
        if "could not decode" in str(error).lower():
            rule = f"holds what MLflow cannot read ({redact(str(error).splitlines()[0])})"
            raise InputError(Problem("tracking.uri", address.shown, rule, "Ask who looks after it.")) from None
        raise unreachable(address, _reason(address, error)) from None


def _reason(address: Address, error: Exception) -> str:
    """Where there is no room, SQLite may say only "disk I/O error", and MLflow that a table is there already."""
    file = address.database_file
    if file is not None and file.parent.is_dir() and shutil.disk_usage(file.parent).free < _LEAST_ROOM:
        return f"the disk of {file.parent} is full"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
