"""Where the artifacts of a stored run may be written: a store names the place, and may name any.

On this machine that is a folder as MLflow makes them: below ``mlruns`` or ``mlartifacts``, beside the database, in the
project, or below a folder that ``LRSCOPE_ARTIFACTS`` lists. Elsewhere it is the server that is asked, or a bucket; to
another host the token of this one would be sent along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import safe_join
from lrscope.core.paths import project_root
from lrscope.core.redact import redact_uri
from lrscope.tracking.mlflow_store.address import Address

VARIABLE = "LRSCOPE_ARTIFACTS"
_MLFLOWS_OWN = ("mlruns", "mlartifacts")
_BUCKETS = ("s3", "gs", "r2", "b2", "wasbs", "abfss", "hdfs", "viewfs", "dbfs")


def check_place(uri: str, tracking_uri: str) -> None:
    """Raises:
    InputError: nothing may be written there.
    """
    folder = local_folder(uri)
    if folder is not None:
        known = folder.is_absolute() and ".." not in folder.parts and "\0" not in str(folder)
        if known and (
            set(folder.parts) & set(_MLFLOWS_OWN) or any(folder.is_relative_to(f) for f in _own(tracking_uri))
        ):
            return
        remedy = f"If that is right, let {VARIABLE} name the folder."
        raise InputError(Problem("artifacts", str(folder), "is no folder that MLflow keeps artifacts in", remedy))
    asked, server = urlsplit(uri), urlsplit(tracking_uri)
    same, by_server = (asked.hostname, asked.port) == (server.hostname, server.port), server.scheme in ("http", "https")
    if asked.scheme == "mlflow-artifacts" and not by_server:
        rule = "are kept by an MLflow server, and the store is its database"
        remedy = "Set tracking.uri to the server's address (http://HOST:5000), or choose another experiment_name."
        raise InputError(Problem("artifacts", redact_uri(uri), rule, remedy))
    if asked.scheme in _BUCKETS or (asked.scheme == "mlflow-artifacts" and not asked.netloc):
        return
    if asked.scheme in ("http", "https", "mlflow-artifacts") and by_server and same:
        return
    rule = "is another host than the store's, or no place that is known"
    raise InputError(Problem("artifacts", redact_uri(uri), rule, "Nothing is written there."))


def check_inside(uri: str, names: Iterable[Path]) -> None:
    """Raises:
    InputError: a link leads out of the folder, or the name does.
    """
    folder = local_folder(uri)
    if folder is not None and folder.exists():
        for name in names:
            safe_join(folder, name.as_posix())


def local_folder(uri: str) -> Path | None:
    """The folder on this machine; None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if not parts.scheme else None


def _own(tracking_uri: str) -> list[Path]:
    database = Address(tracking_uri, None).database_file
    listed = [Path(folder) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    return [project_root(), *listed, *([database.parent] if database is not None else [])]
