"""The files of one run on their way to the store: to a server several go at once, since each is a call of its own."""

from __future__ import annotations

import os
import posixpath
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.store import Store

Call = Callable[[], object]


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
        self._at_once = AT_ONCE if store.address.is_server else 1

    def of_text(self, text: str, file: str) -> dict[str, Call]:
        """The call that writes an artifact from memory, by its place in the run's folder."""
        return {file: partial(self._put_text, text, file)}

    def of_path(self, path: Path, folder: str) -> dict[str, Call]:
        """The calls that send a file, or each file of a folder, by their places in the run's folder."""
        if not path.is_dir():
            return {posixpath.join(folder, path.name): partial(self._put, path, folder)}
        return {place: partial(self._put, file, posixpath.dirname(place)) for place, file in _inside(path, folder)}

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
        """The files of a logged model, which lie in a folder of their own in the store."""
        if not self._store.address.is_server:
            self._store.client.log_model_artifacts(model.model_id, str(folder))
            return
        place = self._store.artifact_folder(model.artifact_location)
        _raise_first(
            side_by_side(
                [
                    partial(self._counted, partial(place.log_artifact, str(file), posixpath.dirname(name) or None))
                    for name, file in _inside(folder, "")
                ]
            )
        )

    def _counted(self, call: Call) -> None:
        call()
        self._progressed()

    def _put(self, path: Path, folder: str) -> None:
        if self._store.address.is_server:
            self._store.artifacts_of(self._run_id).log_artifact(str(path), folder or None)
        else:
            self._store.client.log_artifact(self._run_id, str(path), folder or None)

    def _put_text(self, text: str, file: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / posixpath.basename(file)
            path.write_text(text, encoding="utf-8")
            self._put(path, posixpath.dirname(file))


def _inside(folder: Path, below: str) -> Iterator[tuple[str, Path]]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            file = Path(root) / name
            yield posixpath.join(below, *file.relative_to(folder).parts), file


def _raise_first(errors: Sequence[Exception | None]) -> None:
    for error in errors:
        if error is not None:
            raise error
