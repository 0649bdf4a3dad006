"""Where a watched training is recorded."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve
from lrscope.core.point import Point
from lrscope.core.tracking_settings import RunStart, Status, TrackingSettings
from lrscope.diagnosis.verdict_tags import NOTE
from lrscope.tracking.active_run import ActiveRun, active_run_id

Where = Literal["active", "own", "memory"]


class Record(Protocol):
    """Takes what a training leaves. ``run_id`` is MLflow's; empty where there is none, or not yet."""

    @property
    def run_id(self) -> str: ...

    def points(self, points: Sequence[Point]) -> None: ...

    def close(self, status: Status, tags: Mapping[str, str]) -> None:
        """The training has ended; what could not be recorded is told on standard error."""


def open_record(
    where: Where | None, name: str, experiment: str | None = None, uri: str | None = None, run_id: str | None = None
) -> Record:
    """The record of a training.

    Args:
        where: None takes MLflow's active run where there is one, else memory.
        experiment: of a run of its own; by default its name.
        uri: of the store.
        run_id: a run of MLflow's to record into, whether it is active or not.

    Raises:
        InputError: no run is active; another word.
        StoreUnreachable: a run of its own, and the store does not answer.
    """
    if where not in (None, "active", "own", "memory"):
        raise InputError(Problem("record", str(where), "is no place to record to", "Use active, own or memory."))
    active = run_id or (active_run_id() if where in (None, "active") else None)
    if where == "active" and active is None:
        rule, remedy = "there is no active run of MLflow", 'Open one: with mlflow.start_run(): …, or use record="own".'
        raise InputError(Problem("record", where, rule, remedy))
    if where == "own" and run_id is None:
        return OwnRun(name, experiment or name, uri)
    return IntoActiveRun(ActiveRun(active, uri)) if active is not None else Memory()


class Memory:
    """Nothing leaves the process."""

    run_id = ""

    def points(self, points: Sequence[Point]) -> None:
        pass

    def close(self, status: Status, tags: Mapping[str, str]) -> None:
        pass


class IntoActiveRun:
    """A run that the user has open, and ends."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self.run_id = run.run_id
        self.points = run.points

    def close(self, status: Status, tags: Mapping[str, str]) -> None:  # noqa: ARG002
        if NOTE in tags and self._run.has_note():
            tags = {key: value for key, value in tags.items() if key != NOTE}
        self._run.tags(tags)
        if words := self._run.close():
            print(words, file=sys.stderr)


class OwnRun:
    """A run of its own, through lrscope's journal: nothing is lost where the store is away."""

    def __init__(self, name: str, experiment: str, uri: str | None) -> None:
        from lrscope.tracking.session import open_session

        self._session = open_session(TrackingSettings(uri=uri, spool=resolve("outputs/spool")))
        self._log = self._session.start(RunStart(experiment, name, "run", uuid.uuid4().hex))
        self.points = self._log.points

    @property
    def run_id(self) -> str:
        return self._log.run_id or ""

    def close(self, status: Status, tags: Mapping[str, str]) -> None:
        self._log.tags(tags)
        self._log.end(status)
        delivery = self._session.close()
        for words in (*self._session.warnings(), delivery.words):
            if words:
                print(words, file=sys.stderr)
