"""The tracking store that a report reads: found the way a run finds it, refused in one line where it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrscope.core.errors import Problem, StoreUnreachable
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from lrscope.tracking.mlflow_store.store import Store


def connect(uri: str | None) -> MlflowClient:
    """A client of the store: the URI given, else ``MLFLOW_TRACKING_URI``, else the project's own.

    Raises:
        StoreUnreachable: the server does not answer, or the database file is not there: reading creates none.
        InputError: a URI that MLflow does not read.
    """
    return connect_store(uri).client


def connect_store(uri: str | None) -> Store:
    """The store itself; see ``connect``."""
    address = resolve_uri(uri)
    file = address.database_file
    if file is not None and not file.exists():
        rule, remedy = "there is no such file", "Run a sweep first (make sweep), or name the store: --uri URI."
        raise StoreUnreachable(Problem("store", address.shown, rule, remedy))
    return open_store(address)
