"""Finds what earlier commands recorded: in the store, or in the journals of a machine that has no way to one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.core.verdict import Verdict
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, all_journals
from lrscope.tracking.mlflow_store.store import Store, open_store, resolve_uri

LATEST = "latest"


@dataclass(frozen=True)
class StoredRun:
    """A run as it was recorded. ``status`` is MLflow's; ``metrics`` holds the latest value of each."""

    local_id: str
    run_id: str
    name: str
    kind: str
    status: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return self.tags.get("lrscope.fingerprint", "")

    @property
    def done(self) -> bool:
        """Whether it ended by itself: trained or diverged. A crash is tried again, also one behind a verdict: that of a
        resumed run whose first process was killed ahead of the last word.
        """
        verdict = self.tags.get("lrscope.verdict")
        return verdict is not None and (
            self.status == "FINISHED" or (self.status, verdict) == ("FAILED", Verdict.DIVERGED.label)
        )


@dataclass(frozen=True)
class StoredSweep:
    """A parent run and its members, in no particular order."""

    parent: StoredRun
    members: tuple[StoredRun, ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The words of the command that started it."""
        return tuple(json.loads(self.parent.tags.get("lrscope.overrides", "[]")))


def find_run(settings: TrackingSettings, experiment: str | None, wanted: str, kind: str) -> StoredRun:
    """The run of that id (MLflow's or lrscope's own), or the latest of its kind in the experiment (None: in any).

    Raises:
        InputError: there is none.
        StoreUnreachable: online, and the store does not answer.
    """
    source = _source(settings)
    found = source.latest(experiment, kind) if wanted == LATEST else source.by_id(wanted)
    if found is None or found.kind != kind:
        noun = "sweep" if kind == "sweep" else "run"
        where = f"the experiment {experiment}" if wanted == LATEST and experiment else source.shown
        mode = "" if kind == "sweep" else " (a sweep is resumed with -m)"
        rule = f"no such {noun} in {where}{mode}"
        raise InputError(Problem("resume", wanted, rule, "Give the id that was printed, or resume=latest."))
    return found


def find_sweep(settings: TrackingSettings, experiment: str | None, wanted: str) -> StoredSweep:
    """The sweep of that id, or the latest of the experiment, with its members.

    Raises:
        InputError: there is none.
        StoreUnreachable: online, and the store does not answer.
    """
    parent = find_run(settings, experiment, wanted, "sweep")
    return StoredSweep(parent, tuple(_source(settings).members(parent)))


def _source(settings: TrackingSettings) -> _StoreSource | _JournalSource:
    if settings.mode == "online":
        return _StoreSource(open_store(resolve_uri(settings.uri)))
    return _JournalSource(settings)


class _StoreSource:
    def __init__(self, store: Store) -> None:
        self._client = store.client
        self.shown = store.address.shown

    def latest(self, experiment: str | None, kind: str) -> StoredRun | None:
        known = self._client.search_experiments()
        searched = [found.experiment_id for found in known if experiment in (None, found.name)]
        if not searched:
            return None
        runs = self._client.search_runs(
            searched,
            f"tags.`lrscope.kind` = '{kind}'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        return _of_mlflow(runs[0]) if runs else None

    def by_id(self, wanted: str) -> StoredRun | None:
        from mlflow.exceptions import MlflowException

        try:
            return _of_mlflow(self._client.get_run(wanted))
        except MlflowException:
            pass
        if not wanted.isalnum():
            return None
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        runs = self._client.search_runs(experiments, f"tags.`lrscope.local_id` = '{wanted}'", max_results=1)
        return _of_mlflow(runs[0]) if runs else None

    def members(self, parent: StoredRun) -> Iterable[StoredRun]:
        experiment = self._client.get_run(parent.run_id).info.experiment_id
        token = None
        while True:
            page = self._client.search_runs(
                [experiment], f"tags.`mlflow.parentRunId` = '{parent.run_id}'", max_results=1000, page_token=token
            )
            yield from (_of_mlflow(run) for run in page)
            token = page.token
            if not token:
                return


class _JournalSource:
    def __init__(self, settings: TrackingSettings) -> None:
        self._root = resolve(settings.spool)
        self.shown = str(self._root)

    def latest(self, experiment: str | None, kind: str) -> StoredRun | None:
        newest: tuple[int, Journal] | None = None
        for journal in all_journals(self._root):
            started = journal.started()
            if started is None or started.start.kind != kind or experiment not in (None, started.start.experiment):
                continue
            if newest is None or started.time_ms > newest[0]:
                newest = (started.time_ms, journal)
        return _of_spool(newest[1]) if newest is not None else None

    def by_id(self, wanted: str) -> StoredRun | None:
        journal = Journal.of(self._root, wanted)
        return _of_spool(journal) if journal.exists() else None

    def members(self, parent: StoredRun) -> Iterable[StoredRun]:
        for journal in all_journals(self._root):
            started = journal.started()
            if started is not None and started.start.parent_local_id == parent.local_id:
                yield _of_spool(journal)


def _of_mlflow(run: Any) -> StoredRun:
    tags = dict(run.data.tags)
    return StoredRun(
        local_id=tags.get("lrscope.local_id", ""),
        run_id=run.info.run_id,
        name=run.info.run_name or "",
        kind=tags.get("lrscope.kind", ""),
        status=run.info.status,
        params=dict(run.data.params),
        tags=tags,
        metrics=dict(run.data.metrics),
    )


def _of_spool(journal: Journal) -> StoredRun:
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    metrics: dict[str, float] = {}
    status, name, kind = "RUNNING", "", ""
    for event in journal.events():
        match event:
            case ev.Started():
                name, kind = event.start.name, event.start.kind
                tags |= event.start.tags
                params |= event.start.params
            case ev.Reopened():
                status = "RUNNING"
            case ev.Tags():
                tags |= event.tags
            case ev.Points():
                metrics |= {point.key: point.value for point in event.points}
            case ev.Ended():
                status = event.status
    return StoredRun(journal.local_id, journal.offset().run_id or "", name, kind, status, params, tags, metrics)
