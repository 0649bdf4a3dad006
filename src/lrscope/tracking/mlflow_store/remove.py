"""Runs that are removed: MLflow's delete, and what its ``gc`` does, for these very runs.

``mlflow gc --run-ids`` itself cannot be called: it also removes every deleted experiment of the store with all that is
in it, whoever deleted it. Behind a server there is no way to it at all: there a run is deleted, and the server's own
``mlflow gc`` makes the room free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import is_id
from lrscope.core.redact import redact_uri
from lrscope.tracking.mlflow_store.artifact_place import check_place, local_folder
from lrscope.tracking.mlflow_store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import FileInfo, LoggedModel, Run

CLEANED = "lrscope.cleaned"
"""Tag of a run that is being removed: a command that was killed at it is made up for by the next."""

CLEANED_MEMBERS = "lrscope.cleaned_members"
"""Tag of a parent: how many of its members were removed. They are not lacking."""


def models_of(client: MlflowClient, run: Run) -> tuple[LoggedModel, ...]:
    """The models that a run has logged; MLflow keeps them beside it, and removes them by themselves."""
    from mlflow.exceptions import MlflowException

    outputs = run.outputs.model_outputs if run.outputs is not None else []
    found = []
    for model_id in dict.fromkeys(output.model_id for output in outputs if is_id(output.model_id)):
        try:
            model = client.get_logged_model(model_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                continue
            raise
        if model.source_run_id == run.info.run_id:
            found.append(model)
    return tuple(found)


def check_removable(client: MlflowClient, run: Run, models: Sequence[LoggedModel]) -> None:
    """Raises:
    InputError: what the store names as the place of the artifacts is none that MLflow made for this run.
    """
    places = {run.info.run_id: run.info.artifact_uri, **{one.model_id: one.artifact_location for one in models}}
    for identity, uri in places.items():
        check_place(str(uri), client.tracking_uri)
        if PurePosixPath(unquote(urlsplit(str(uri)).path)).parts[-2:] != (identity, "artifacts"):
            rule = "is not the folder of that run alone"
            raise InputError(Problem("artifacts", redact_uri(str(uri)), rule, "Nothing is removed there."))


def bytes_of(client: MlflowClient, run: Run, models: Sequence[LoggedModel]) -> int:
    """The size of its artifacts, its models' included."""
    own = _bytes(str(run.info.artifact_uri), partial(client.list_artifacts, run.info.run_id))
    models_own = (
        _bytes(str(one.artifact_location), partial(client.list_logged_model_artifacts, one.model_id)) for one in models
    )
    return own + sum(models_own)


def _bytes(uri: str, listed: Callable[[str | None], Sequence[FileInfo]]) -> int:
    if (folder := local_folder(uri)) is not None:
        return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    total, todo = 0, [""]
    while todo:
        place = todo.pop()
        for one in listed(place or None):
            if not one.is_dir:
                total += one.file_size or 0
            elif one.path.startswith(place) and len(one.path) > len(place):  # no folder that holds itself
                todo.append(one.path)
    return total


def remove_run(store: Store, run: Run, models: Sequence[LoggedModel]) -> None:
    """Delete a run and its models; for good, with their artifacts, where the store is a database and no server."""
    from mlflow.entities import RunTag

    client, run_id = store.client, run.info.run_id
    backend: Any = None if store.address.is_server else client._tracking_client.store
    if run.info.lifecycle_stage == "active":
        client.log_batch(run_id, tags=[RunTag(CLEANED, "true")])
        client.delete_run(run_id)
    for model in models:
        if backend is not None:
            _delete_artifacts(store, str(model.artifact_location))
        client.delete_logged_model(model.model_id)
        if backend is not None:
            backend._hard_delete_logged_model(model.model_id)
    if backend is not None:
        _delete_artifacts(store, str(run.info.artifact_uri))
        backend._hard_delete_run(run_id)


def _delete_artifacts(store: Store, uri: str) -> None:
    folder = local_folder(uri)
    if folder is None:
        store.artifact_folder(uri).delete_artifacts()
    elif folder.is_dir():
        store.artifact_folder(uri).delete_artifacts()
        with suppress(OSError):  # something else lies there
            folder.parent.rmdir()
