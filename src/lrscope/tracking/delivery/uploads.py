"""The files of one run on their way to the store: to a server several go at once, since each is a call of its own."""

from __future__ import annotations

import os
import posixpath
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, NotConfirmed, Problem
from lrscope.core.failpoint import failpoint
from lrscope.core.files import is_plain_file
from lrscope.tracking.mlflow_store.artifact_place import local_folder
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.store import Store

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

Call = Callable[[], object]

HALF_WRITTEN = ".artifact.uploading."
"""How MLflow begins the name of a file that is not whole yet."""


class NotTried(Exception):
    """Left alone because a call beside it failed for a reason that may pass."""


class Uploads:
    """Files of one run. ``progressed`` is called for each that has arrived; none is sent twice by one object."""

    def __init__(self, store: Store, run_id: str, may_pass: Callable[[Exception], bool], progressed: Call) -> None:
        self._store = store
        self._run_id = run_id
        self._may_pass = may_pass
        self._progressed = progressed
        self._done: set[str] = set()
        self._cleared: set[str] = set()
        self._at_once = AT_ONCE if store.address.is_server else 1

    def of_text(self, text: str, file: str) -> dict[str, Call]:
        """The call that writes an artifact from memory, by its place in the run's folder."""
        return {file: partial(self._put_text, text, file)}

    def of_path(self, path: Path, folder: str) -> dict[str, Call]:
        """The calls that send a file, or each file of a folder, by their places in the run's folder."""
        if not path.is_dir():
            if not is_plain_file(path):
                raise FileNotFoundError(f"{path.name} is no file")
            return {posixpath.join(folder, path.name): partial(self._put, path, folder)}
        files = _inside(path, folder)
        return {place: partial(self._put, file, posixpath.dirname(place)) for place, file in files}

    def send(self, calls: Mapping[str, Call]) -> dict[str, Exception]:
        """Make the calls that have not been made yet; what went wrong, by the same keys.

        The first failure that may pass ends it: the rest is ``NotTried``.
        """
        due = [key for key in calls if key not in self._done]
        broken = threading.Event()

        def make(key: str) -> None:
            if broken.is_set():
                raise NotTried(key)
            try:
                calls[key]()
            except Exception as error:
                if self._may_pass(error):
                    broken.set()
                else:
                    self._done.add(key)
                raise
            self._done.add(key)
            self._progressed()

        errors = side_by_side([partial(make, key) for key in due], self._at_once)
        return {key: error for key, error in zip(due, errors, strict=True) if error is not None}

    def send_model(self, folder: Path, model: Any) -> None:
        """The files of a logged model, which lie in a folder of their own in the store.

        Raises:
            InputError: there is a link among them.
        """
        if any(path.is_symlink() for path in folder.rglob("*")):
            raise InputError(Problem("model", folder.name, "holds a link, which may lead anywhere", "It was not sent."))
        place = self._store.artifact_folder(model.artifact_location)
        if not self._store.address.is_server:
            self._clear(place.artifact_uri)
            self._store.client.log_model_artifacts(model.model_id, str(folder))
            return
        _raise_first(
            side_by_side(
                [
                    partial(self._put_confirmed, place, file, posixpath.dirname(name))
                    for name, file in _inside(folder, "")
                ]
            )
        )

    def _put(self, path: Path, folder: str) -> None:
        place = self._store.artifacts_of(self._run_id)
        with failpoint("upload"):
            if self._store.address.is_server:
                self._put_confirmed(place, path, folder)
            else:
                self._clear(place.artifact_uri)
                place.log_artifact(str(path), folder or None)

    def _clear(self, location: str) -> None:
        """Remove what a kill has left of a file on its way into this folder, before the first one is sent.

        MLflow writes beside the place, under a name that it never shows, and renames. Nobody else is at it: one process
        delivers a run, and its files one by one.
        """
        place = local_folder(location)
        if place is not None and location not in self._cleared:
            for left in place.rglob(f"{HALF_WRITTEN}*"):
                left.unlink(missing_ok=True)
        self._cleared.add(location)

    def _put_confirmed(self, place: ArtifactRepository, path: Path, folder: str) -> None:
        """Send a file, and see that it is there whole: a proxy may take it and say yes.

        Raises:
            NotConfirmed: it is not there, or has another size.
        """
        place.log_artifact(str(path), folder or None)
        self._progressed()  # it answers: a slow one is given the time for the next call, too
        name = posixpath.join(folder, path.name)
        listed = {found.path: found.file_size for found in place.list_artifacts(folder or None)}
        if listed.get(name, -1) not in (path.stat().st_size, None):
            there = f"has {listed[name]} of its {path.stat().st_size} bytes" if name in listed else "is not there"
            raise NotConfirmed(f"it answered that it has {name}, which {there}")

    def _put_text(self, text: str, file: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / posixpath.basename(file)
            path.write_text(text, encoding="utf-8")
            self._put(path, posixpath.dirname(file))


def _inside(folder: Path, below: str) -> Iterator[tuple[str, Path]]:
    """Its files, by their places; not what is none, or a link: whose journal this was may have put anything there."""
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            file = Path(root) / name
            if not is_plain_file(file):
                continue
            yield posixpath.join(below, *file.relative_to(folder).parts), file


def _raise_first(errors: Sequence[Exception | None]) -> None:
    for error in errors:
        if error is not None:
            raise error
