"""From MLflow to a Sweep: nothing but the tracking store is asked, so stores filled elsewhere work too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from lrscope.core.command_words import script, train_command
from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import LARGEST_STEP, is_id, number, strings, whole
from lrscope.core.pruned import PRUNED, Pruned
from lrscope.core.redact import redact_uri
from lrscope.core.stored_command import stored_command
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis import diagnose_sweep
from lrscope.diagnosis.verdict_tags import DIAGNOSIS
from lrscope.report.data.axes import settings_of, sort_key, swept_axes
from lrscope.report.data.connect import connect
from lrscope.report.data.signals_read import spread_out, wanted_signals
from lrscope.report.data.stored_sweep import CURVES, OBJECTIVE, OWN_UNIT, Member, Sweep
from lrscope.report.data.view_key import VIEW_TAG, view_key
from lrscope.tracking.mlflow_store.checked_client import CheckedClient
from lrscope.tracking.mlflow_store.lookup import BEGINNING, has_trained, newest, run_of
from lrscope.tracking.mlflow_store.read import peak_rate, read_histories, read_traces
from lrscope.tracking.mlflow_store.remove import CLEANED, CLEANED_MEMBERS

PARENT = "mlflow.parentRunId"
MOST_NAMES = 3
SEED_PARAMS = ("seed", "random_seed", "random_state")


Store = str | None | MlflowClient


def _client(store: Store) -> MlflowClient:
    if isinstance(store, MlflowClient):
        return store if isinstance(store, CheckedClient) else CheckedClient(store.tracking_uri)
    return connect(store)


def collect_sweep(store: Store, parent_run_id: str) -> Sweep:
    """Read a sweep and the curves of its members.

    Args:
        store: an MLflow tracking URI, or a client; None takes ``MLFLOW_TRACKING_URI``, else the project's own store.
        parent_run_id: the MLflow id of the parent run, or of any of its members.

    Raises:
        InputError: no such run, or it was deleted, or it has no members, or the store cannot be reached.
    """
    client = _client(store)
    parent = _parent(client, parent_run_id)
    runs = children(client, parent)
    if not runs and parent.data.tags.get("lrscope.kind") != "sweep":
        raise InputError(
            Problem("sweep", parent_run_id, "this run has no members", "Give the id of a sweep's parent run")
        )
    return _sweep(client, parent, runs)


def alone(client: MlflowClient, run: Run) -> Sweep:
    """A lone run as a sweep of one member, which is the run itself: judged and compared by the same code."""
    return _sweep(client, run, [run])


def _sweep(client: MlflowClient, parent: Run, runs: Sequence[Run]) -> Sweep:
    traces = _traces(client, runs)
    axes = swept_axes(_strings(parent, "lrscope.axes"), runs)
    members = _diagnosed([_member(run, axes, traces[run.info.run_id]) for run in runs])
    experiment = client.get_experiment(parent.info.experiment_id)
    return Sweep(
        run_id=parent.info.run_id,
        experiment_id=parent.info.experiment_id,
        experiment=experiment.name,
        name=parent.info.run_name or parent.info.run_id,
        store=client.tracking_uri,
        status=parent.info.status,
        started=datetime.fromtimestamp(parent.info.start_time / 1000, UTC) if parent.info.start_time else None,
        axes=axes,
        overrides=stored_command(parent.data.tags) or (),
        planned=_integer(parent.data.tags.get("lrscope.planned")),
        deleted=_deleted(client, parent),
        members=tuple(sorted(members, key=lambda member: sort_key(member, axes))),
        searched=_strings(parent, "lrscope.searched"),
        ours=parent.data.tags.get("lrscope.kind") == "sweep",
        has_view=VIEW_TAG + view_key(parent.info.run_id) in experiment.tags,
        user=parent.data.tags.get("mlflow.user", ""),
        commit=parent.data.tags.get("mlflow.source.git.commit", ""),
    )


def collect_lone_runs(client: MlflowClient, runs: Sequence[Run]) -> Sweep:
    """Runs that are in no sweep, side by side as the members of one that nobody made."""
    traces = _traces(client, runs)
    members = tuple(_diagnosed([_member(run, (), traces[run.info.run_id]) for run in runs]))
    first = runs[0].info
    name = ", ".join(member.name for member in members[:MOST_NAMES]) + (" …" if len(members) > MOST_NAMES else "")
    return Sweep(
        run_id=first.run_id,
        experiment_id=first.experiment_id,
        experiment=client.get_experiment(first.experiment_id).name,
        name=name,
        store=client.tracking_uri,
        status="FINISHED",
        started=None,
        axes=(),
        overrides=(),
        planned=None,
        deleted=0,
        members=members,
        ours=False,
    )


def _traces(client: MlflowClient, runs: Sequence[Run]) -> dict[str, Trace]:
    """The curves that every report shows, and of failed members those that show why."""
    judged = {name for run in runs if (name := run.data.params.get(OBJECTIVE))}
    more = judged | {name for name in OWN_UNIT if any(name in run.data.metrics for run in runs)}
    traces = read_traces(client, runs, (*CURVES, *sorted(more - {*CURVES})))
    signals = read_histories(client, {run.info.run_id: wanted_signals(run) for run in spread_out(runs)})
    return {
        run_id: replace(trace, series={**trace.series, **signals.get(run_id, {})}) for run_id, trace in traces.items()
    }


def latest_sweep(store: Store, tell: Callable[[str], None] = lambda _: None) -> str:
    """The run id of the parent of the sweep that was started last, in whatever experiment, and has trained anything.

    Args:
        tell: told of each later one, of which nothing can be shown.

    Raises:
        InputError: the store holds no such sweep.
    """
    client = _client(store)
    empty = False
    for sweep in newest(client, "tags.`lrscope.kind` = 'sweep'"):
        if has_trained(client, sweep):
            return sweep.info.run_id
        empty = True
        words = "has recorded nothing yet" if sweep.info.status == "RUNNING" else "ended before it had trained anything"
        tell(f"left out: {sweep.info.run_name} ({sweep.info.run_id}) {words}")
    for member in newest(client, f"tags.`{PARENT}` != ''"):
        if "lrscope.kind" not in member.data.tags:
            return str(member.data.tags[PARENT])
    rule = f"{redact_uri(client.tracking_uri)} holds no sweep" + (" that has trained anything" if empty else "")
    raise InputError(Problem("sweep", "latest", rule, f"Run one: {train_command()} -m lr=0.1,0.01"))


def children(client: MlflowClient, parent: Run, view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    """The runs whose parent this is, with params, tags and last metric values, in whole pages of the store."""
    found: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(
            [parent.info.experiment_id], f"tags.`{PARENT}` = '{parent.info.run_id}'", view, 1000, page_token=token
        )
        found.extend(page)
        token = page.token
        if not token:
            return found


def _deleted(client: MlflowClient, parent: Run) -> int:
    """How many members were: those that ``lrscope clean`` removed may be gone for good."""
    by_others = (run for run in children(client, parent, ViewType.DELETED_ONLY) if CLEANED not in run.data.tags)
    return len(list(by_others)) + (_integer(parent.data.tags.get(CLEANED_MEMBERS)) or 0)


def _parent(client: MlflowClient, run_id: str) -> Run:
    """The parent: the run itself, or the one it is a member of."""
    run = stored_run(client, run_id)
    above = run.data.tags.get(PARENT)
    if above and run.data.tags.get("lrscope.kind") != "sweep":
        run = stored_run(client, above)
    return run


def stored_run(client: MlflowClient, run_id: str) -> Run:
    """The run of that id, or the one whose id begins so.

    Raises:
        InputError: there is none, or several, or it was deleted, or the word is no id.
    """
    remedy = f"List them with: {script('compare')} --list"
    if not is_id(run_id) and not BEGINNING.fullmatch(run_id):
        raise InputError(Problem("sweep", run_id[:80], "this is no MLflow run id", remedy))
    run = run_of(client, run_id, "sweep")
    if run is None:
        raise InputError(Problem("sweep", run_id, f"{redact_uri(client.tracking_uri)} has no such run", remedy))
    if run.info.lifecycle_stage == "deleted":
        raise InputError(
            Problem("sweep", run_id, "this run was deleted", f"Bring it back: mlflow runs restore --run-id {run_id}")
        )
    return run


def _member(run: Run, axes: Sequence[str], trace: Trace) -> Member:
    tags, params = run.data.tags, run.data.params
    pruned = Pruned.from_json(tags.get(PRUNED))
    return Member(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:8],
        rate=peak_rate(run),
        seed=next((seed for name in SEED_PARAMS if (seed := _integer(params.get(name))) is not None), None),
        settings=settings_of(run, axes),
        status=run.info.status,
        verdict=_verdict(tags),
        why=pruned.reason if pruned is not None else tags.get("lrscope.why", ""),
        seconds=_seconds(run),
        trace=trace,
        params=dict(params),
        artifacts=run.info.artifact_uri or "",
        finding=_finding(tags),
        pruned=pruned,
        begun=run.info.start_time or 0,
    )


def _diagnosed(members: Sequence[Member]) -> list[Member]:
    """Members that ended well but were never judged (another program made them) are judged from their curves."""
    unjudged = [m for m in members if m.verdict is None and m.status == "FINISHED" and m.trace.series]
    if not unjudged:
        return list(members)
    found = diagnose_sweep([member.trace for member in unjudged])
    judged = {
        member.run_id: replace(member, verdict=diagnosis.verdict, why=diagnosis.primary.why, finding=diagnosis.primary)
        for member, diagnosis in zip(unjudged, found, strict=True)
    }
    return [judged.get(member.run_id, member) for member in members]


def _seconds(run: Run) -> float | None:
    """Training time as recorded, else from MLflow's start to its end; None while it runs."""
    told = number(run.data.tags.get("lrscope.seconds"))
    if told is not None and math.isfinite(told):
        return told
    began, ended = run.info.start_time, run.info.end_time
    return (ended - began) / 1000 if began is not None and ended is not None else None


def _verdict(tags: Mapping[str, str]) -> Verdict | None:
    try:
        return Verdict.from_label(tags["lrscope.verdict"])
    except (KeyError, ValueError):
        return None  # not diagnosed, or edited by hand


def _finding(tags: Mapping[str, str]) -> Finding | None:
    """The finding behind the verdict; None of a run that an older version recorded, or whose tags were edited."""
    try:
        found = Diagnosis.from_json(tags[DIAGNOSIS]).primary
    except (KeyError, ValueError, IndexError):
        return None
    return found if found.verdict is _verdict(tags) else None


def _strings(run: Run, tag: str) -> tuple[str, ...]:
    return strings(run.data.tags.get(tag))


def _integer(text: str | None) -> int | None:
    return whole(text, low=-LARGEST_STEP)
