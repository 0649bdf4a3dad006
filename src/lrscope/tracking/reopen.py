"""Continue a run of an earlier process: from its journal, or where that is gone from what the store has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from lrscope.core.errors import InputError, Problem, RunGone
from lrscope.core.from_store import is_local_id
from lrscope.core.point import Point
from lrscope.core.tracking_settings import Kind, RunStart, Status
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.history import History, dataset_place
from lrscope.tracking.journal.journal import INCOMPLETE, Journal, Offset
from lrscope.tracking.liveness.process import ProcessIdentity, fate, this_process
from lrscope.tracking.mlflow_store.runs import LOCAL_ID, PARENT_LOCAL_ID, find_run
from lrscope.tracking.mlflow_store.store import Store

OpenStore = Callable[[], Store]
"""The store, opened where it is needed: a journal that is there says all by itself."""


def reopen_journal(journal: Journal, open_store: OpenStore | None) -> History:
    """What the run has recorded so far; its journal is ready to be appended to.

    Raises:
        RunGone: neither journal nor store knows the run.
        InputError: a live process is recording it.
    """
    if odd := journal.odd_files():
        rule = f"{odd[0]} in its journal is no regular file"
        raise InputError(Problem("resume", journal.local_id, rule, f"Look into {journal.folder}."))
    if not journal.exists():
        run = rebuild(journal, open_store)
        assert open_store is not None
        store = open_store()
        if run.info.status == "RUNNING":
            _check_owner(journal.local_id, run.data.tags)
        history = History()
        for key in run.data.metrics:
            history.remember(stored_points(store, run.info.run_id, key))
        _remember_artifacts(history, store, run)
        return history
    with journal.delivering(None):
        journal.cut_torn_tail()
    history = History()
    owner: Mapping[str, str] = {}
    for event in journal.events():
        match event:
            case ev.Started() | ev.Reopened():
                owner = event.process
            case ev.Ended():
                owner = {}
            case ev.Points():
                history.remember(event.points)
            case ev.Text():
                history.remember_artifact(event.file)
            case ev.Dataset():
                history.remember_artifact(dataset_place(event.dataset.name))
            case ev.Model():
                history.remember_artifact(event.model)
            case ev.Sent():
                history.remember_steps(event.last_steps)
    _check_owner(journal.local_id, owner)
    run_id = journal.offset().run_id
    if open_store is not None and run_id is not None and (journal.folder / INCOMPLETE).exists():
        store = open_store()
        run = store.client.get_run(run_id)
        for key in run.data.metrics:
            points = stored_points(store, run_id, key)
            history.remember_steps({key: points[-1].step} if points else {})
        _remember_artifacts(history, store, run)
    return history


def _remember_artifacts(history: History, store: Store, run: Any) -> None:
    for artifact in store.client.list_artifacts(run.info.run_id):
        history.remember_artifact(artifact.path)
    for given in run.inputs.dataset_inputs:
        history.remember_artifact(dataset_place(given.dataset.name))


def _check_owner(local_id: str, tags: Mapping[str, str]) -> None:
    owner = ProcessIdentity.from_tags(tags)
    if owner is None or owner == this_process() or fate(owner) != "alive":
        return
    rule = f"process {owner.pid} is recording it"
    raise InputError(Problem("resume", local_id, rule, "Wait until it ends, or stop it first."))


def rebuild(journal: Journal, open_store: OpenStore | None) -> Any:
    """A journal that begins with what the store says of the run, all of it delivered; returns MLflow's run.

    Raises:
        RunGone: the store does not know the run, or it was deleted there.
    """
    store = open_store() if open_store is not None else None
    run = find_run(store, journal.local_id) if store is not None else None
    if run is None or store is None or run.info.lifecycle_stage != "active":
        where = "the journal" if store is None else f"the journal or {store.address.shown}"
        raise RunGone(Problem("resume", journal.local_id, f"no such run in {where}", "Check the id and tracking.uri."))
    _write_beginning(journal, store, run)
    return run


def stored_points(store: Store, run_id: str, key: str) -> list[Point]:
    """Every point of a metric that the store has, in the order of their steps."""
    stored = store.client.get_metric_history(run_id, key)
    return sorted((Point(key, m.step, m.value, m.timestamp) for m in stored), key=lambda point: point.step)


def _write_beginning(journal: Journal, store: Store, run: Any) -> None:
    """A journal that begins with what the store says of the run, all of it delivered."""
    tags = dict(run.data.tags)
    kind: Any = tags.get("lrscope.kind")
    start = RunStart(
        experiment=store.client.get_experiment(run.info.experiment_id).name,
        name=run.info.run_name or "",
        kind=kind if kind in get_args(Kind) else "run",
        local_id=tags[LOCAL_ID],
        parent_local_id=above if is_local_id(above := tags.get(PARENT_LOCAL_ID)) else None,
        params=dict(run.data.params),
        tags={},
    )
    process = {key: value for key, value in tags.items() if key.startswith("lrscope.process.")}
    name = store.address.name_beside(journal.folder.parent)
    events: list[ev.Event] = [ev.Started(start, run.info.start_time or 0, process, name)]
    ended = run.info.status if run.info.status in get_args(Status) else None
    if ended is not None:
        # Else a journal that is only annotated would say that its process left it open.
        events.append(ev.Ended(ended, run.info.end_time or 0))
    journal.folder.mkdir(parents=True, exist_ok=True)
    with journal.delivering(None):
        (journal.folder / INCOMPLETE).touch()
        journal.append(b"".join(map(ev.encode, events)))
        ids = run.info.run_id, run.info.experiment_id
        journal.set_offset(Offset(journal.size(), *ids, name, ended))
