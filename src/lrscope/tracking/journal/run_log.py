"""The record of one run, as the training sees it: calls that only append to memory."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lrscope.core.from_store import safe_join
from lrscope.core.point import Point
from lrscope.core.redact import redact, redact_named
from lrscope.core.tracking_settings import DatasetInfo, Status
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.history import History
from lrscope.tracking.journal.journal import Journal

POINTS_A_LINE = 1000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


Sink = Callable[["RunLog", ev.Event], None]


class RunLog:
    """What one run leaves. Every call returns at once, whatever the store does; none raises because of the
    store.

    Points of a key must come in the order of their steps. After ``end`` tags, texts and artifacts are still
    taken.
    """

    def __init__(self, journal: Journal, record: Sink | None, history: History | None = None) -> None:
        self.local_id = journal.local_id
        self.run_id: str | None = None
        self.experiment_id: str | None = None
        self.folder: Path = journal.folder
        self.journal = journal
        self.created = threading.Event()
        self.ended: Status | None = None
        self._record = record
        self._history = history or History()
        self._copies = 0
        self._marked_replayed = False

    def points(self, points: Sequence[Point]) -> None:
        """Record measured values. Those at or before the last recorded step of their key are dropped: a
        resumed run replays steps that are recorded already, and the first value stays.
        """
        kept = self._history.admit(points)
        if self._history.differed and not self._marked_replayed:
            self._marked_replayed = True
            self.tags({"lrscope.replayed": "true"})
        for first in range(0, len(kept), POINTS_A_LINE):
            self._append(ev.Points(tuple(kept[first : first + POINTS_A_LINE])))

    def last_step(self, key: str) -> int | None:
        """The last recorded step of a metric, of this process or an earlier one; None where it has no
        point.
        """
        return self._history.last_step(key)

    def has(self, place: str) -> bool:
        """Whether an earlier process recorded this file, or a dataset by its ``dataset_place``."""
        return place in self._history.artifacts

    def keeps_model(self) -> bool:
        """Whether the journal holds a model, whether or not the store has it yet."""
        return any(isinstance(event, ev.Model) for event in self.journal.events())

    def tags(self, tags: Mapping[str, str]) -> None:
        self._append(ev.Tags({key: redact(str(value)) for key, value in tags.items()}))

    def params(self, params: Mapping[str, str]) -> None:
        self._append(ev.Params({key: str(redact_named(key, str(value))) for key, value in params.items()}))

    def text(self, text: str, artifact_file: str) -> None:
        """An artifact from memory, e.g. ``text(yaml, "config.yaml")``."""
        safe_join(self.folder, artifact_file)
        self._append(ev.Text(redact(text, assigned=not artifact_file.endswith(".diff")), artifact_file))

    def artifact(self, path: Path, artifact_folder: str = "") -> None:
        """A file or folder. One below ``self.folder`` is taken from there when it is delivered; another is
        copied now.
        """
        safe_join(self.folder, artifact_folder or ".")
        self._append(ev.Artifact(self._inside(Path(path)), artifact_folder))

    def dataset(self, dataset: DatasetInfo) -> None:
        self._append(ev.Dataset(dataset))

    def model(self, folder: Path, name: str = "model") -> None:
        """A model saved in MLflow's format (a folder that holds ``MLmodel``)."""
        self._append(ev.Model(self._inside(Path(folder)), name))

    def end(self, status: Status) -> None:
        self.ended = status
        self._append(ev.Ended(status, now_ms()))

    def _append(self, event: ev.Event) -> None:
        if self._record is not None:
            self._record(self, event)

    def _inside(self, path: Path) -> str:
        """The path as the journal names it, so that the journal can be moved to another machine."""
        path = path.resolve()
        base = self.folder.resolve()
        if self._record is None:
            return path.name
        if path.is_relative_to(base):
            return str(path.relative_to(base))
        self._copies += 1
        target = base / "files" / f"{now_ms()}-{self._copies}" / path.name
        target.parent.mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copy2(path, target)
        return str(target.relative_to(base))
