"""Finds what earlier commands recorded: in the store, or in the journals of a machine that has no way to one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import line, text
from lrscope.core.paths import project_root, resolve
from lrscope.core.stored_command import stored_command
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.core.verdict import Verdict
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import INCOMPLETE, SESSION, Journal, all_journals
from lrscope.tracking.mlflow_store.lookup import is_beginning, newest, run_of, sole
from lrscope.tracking.mlflow_store.runs import PARENT
from lrscope.tracking.mlflow_store.store import Store, open_store, resolve_uri
from lrscope.tracking.origin import ORIGIN, origin_tags

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
    deleted: bool = False

    @property
    def fingerprint(self) -> str:
        return self.tags.get("lrscope.fingerprint", "")

    @property
    def begun_by(self) -> str:
        """Its user and id, to be told to another."""
        return f"{self.tags.get('mlflow.user', 'somebody else')} ({self.run_id or self.local_id})"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The words of the command that began it."""
        return stored_command(self.tags) or ()

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


def find_run(settings: TrackingSettings, experiment: str | None, wanted: str, kind: str) -> StoredRun:
    """The run of that id (MLflow's or lrscope's own, or the beginning of one), or the latest of its kind in the
    experiment (None: in any) that was begun from this checkout.

    Raises:
        InputError: there is none.
        StoreUnreachable: online, and the store does not answer.
    """
    source = _source(settings)
    found = next(source.newest(experiment, (kind,)), None) if wanted == LATEST else source.by_id(wanted)
    if found is not None and found.kind == kind:
        _note_if_behind(settings, [found])
        return _there(found)
    noun = "sweep" if kind == "sweep" else "run"
    where = f"the experiment {experiment}" if wanted == LATEST and experiment else source.shown
    mode = "" if kind == "sweep" else " (a sweep is resumed with -m)"
    remedy = "Give the id that was printed, or resume=latest."
    rule = f"no such {noun} in {where}{mode}"
    if wanted == LATEST and (other := source.latest_of_others(experiment, kind)) is not None:
        rule = f"no {noun} in {where} was begun from this checkout; the latest is of {other.begun_by}"
        remedy = f"To go on with that give resume={other.run_id}."
    raise InputError(Problem("resume", wanted, rule, remedy))


def find_sweep(settings: TrackingSettings, experiment: str | None, wanted: str) -> StoredSweep:
    """The sweep of that id, or the latest of the experiment, with its members.

    Raises:
        InputError: there is none.
        StoreUnreachable: online, and the store does not answer.
    """
    parent = find_run(settings, experiment, wanted, "sweep")
    members = tuple(_source(settings).members(parent))
    _note_if_behind(settings, members)
    return StoredSweep(parent, members)


def _note_if_behind(settings: TrackingSettings, runs: Iterable[StoredRun]) -> None:
    """Where another machine has gone on with a run, its journal here does not say what the run has by now."""
    if settings.mode != "online":
        return
    root = resolve(settings.spool)
    for run in runs:
        with suppress(OSError, InputError):  # a full disk; no id at all
            journal = Journal.of(root, run.local_id)
            if journal.exists() and journal.is_behind(run.tags.get(SESSION)):
                (journal.folder / INCOMPLETE).touch()


def find_interrupted(settings: TrackingSettings, experiment: str | None = None) -> StoredRun | None:
    """The sweep or lone run of this checkout that was started last and did not come to its end."""
    found = _source(settings).newest(experiment, ("sweep", "run"))
    ours = (run for run in found if run.kind in ("sweep", "run"))  # a find is begun anew
    return next((run for run in ours if run.status in ("KILLED", "FAILED") and not run.done), None)


def find_to_resume(settings: TrackingSettings, wanted: str) -> StoredRun:
    """The sweep or lone run of that id; of a member its sweep.

    Raises:
        InputError: there is none.
    """
    source = _source(settings)
    found = source.by_id(wanted)
    if found is not None and found.kind == "member":
        found = source.by_id(found.tags.get(PARENT, ""))
    if found is None or found.kind not in ("sweep", "run"):
        rule, remedy = f"no such sweep or run in {source.shown}", "Give the id that was printed, or none: the latest."
        raise InputError(Problem("resume", wanted, rule, remedy))
    return _there(found)


def _there(run: StoredRun) -> StoredRun:
    if run.deleted:
        remedy = f"Bring it back: mlflow runs restore --run-id {run.run_id}"
        raise InputError(Problem("resume", run.run_id, "it was deleted", remedy))
    return run


def _source(settings: TrackingSettings) -> _StoreSource | _JournalSource:
    if settings.mode == "online":
        return _StoreSource(open_store(resolve_uri(settings.uri)), resolve(settings.spool))
    return _JournalSource(settings)


class _StoreSource:
    """What a tracking store has, which others may share."""

    def __init__(self, store: Store, spool: Path) -> None:
        self._client = store.client
        self._spool = spool
        self.shown = store.address.shown
        file = store.address.database_file
        self._is_shared = file is None or not file.is_relative_to(project_root())

    def newest(self, experiment: str | None, kinds: Sequence[str]) -> Iterator[StoredRun]:
        """Of this checkout."""
        found = self._anybodys(experiment, kinds)
        return (run for run in found if self._is_of_this_checkout(run.tags))

    def latest_of_others(self, experiment: str | None, kind: str) -> StoredRun | None:
        return next(self._anybodys(experiment, (kind,)), None)

    def _anybodys(self, experiment: str | None, kinds: Sequence[str]) -> Iterator[StoredRun]:
        known = self._client.search_experiments()
        searched = [found for found in known if experiment in (None, found.name)]
        wanted = f"tags.`lrscope.kind` = '{kinds[0]}'" if len(kinds) == 1 else "tags.`lrscope.kind` != 'member'"
        return map(_of_mlflow, newest(self._client, wanted, searched))

    def by_id(self, wanted: str) -> StoredRun | None:
        found = run_of(self._client, wanted, "resume")
        return _of_mlflow(found) if found is not None else None

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

    def _is_of_this_checkout(self, tags: Mapping[str, str]) -> bool:
        """Or of one that has the same journals: a folder that several machines share."""
        with suppress(InputError):  # a tag that somebody made up
            if not self._is_shared or Journal.of(self._spool, tags.get("lrscope.local_id", "")).exists():
                return True
        here = origin_tags()
        mine = ORIGIN if ORIGIN in tags else "mlflow.user"  # older records have no more
        return tags.get(mine) == here.get(mine)


class _JournalSource:
    def __init__(self, settings: TrackingSettings) -> None:
        self._root = resolve(settings.spool)
        self.shown = str(self._root)

    def newest(self, experiment: str | None, kinds: Sequence[str]) -> Iterator[StoredRun]:
        begun = []
        for journal in all_journals(self._root):
            started = journal.started()
            if started is not None and started.start.kind in kinds and experiment in (None, started.start.experiment):
                begun.append((started.time_ms, journal.local_id, journal))
        yield from (_of_spool(journal) for _, _, journal in sorted(begun, reverse=True))

    def latest_of_others(self, *_: object) -> StoredRun | None:
        return None  # whoever records offline has nobody else's journals

    def by_id(self, wanted: str) -> StoredRun | None:
        journal = Journal.of(self._root, wanted)
        if journal.exists():
            return _of_spool(journal)
        if not is_beginning(wanted, "resume"):
            return None
        ids = [(journal, journal.local_id, journal.offset().run_id or "") for journal in all_journals(self._root)]
        found = [one for one in ids if one[1].startswith(wanted) or one[2].startswith(wanted)]
        return _of_spool(sole(found, [one[1] for one in found], wanted, "resume")[0]) if found else None

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
        deleted=run.info.lifecycle_stage == "deleted",
    )


def _of_spool(journal: Journal) -> StoredRun:
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    metrics: dict[str, float] = {}
    status, name, kind = "RUNNING", "", ""
    for event in journal.events():
        match event:
            case ev.Started():
                name, kind = line(event.start.name), event.start.kind
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
    params, tags = ({line(key): text(value) for key, value in one.items()} for one in (params, tags))
    return StoredRun(journal.local_id, journal.offset().run_id or "", name, kind, status, params, tags, metrics)
