"""From MLflow to a Sweep: nothing but the tracking store is asked, so stores filled elsewhere work too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from lrscope.core.errors import InputError, Problem
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose_sweep
from lrscope.report.data.axes import settings_of, sort_key, swept_axes
from lrscope.report.data.connect import connect
from lrscope.report.data.stored_sweep import CURVES, Member, Sweep
from lrscope.report.data.view_key import VIEW_TAG, view_key
from lrscope.tracking.mlflow_store.read import peak_rate, read_traces

RUN_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")
PARENT = "mlflow.parentRunId"
SEED_PARAMS = ("seed", "random_seed", "random_state")


Store = str | None | MlflowClient


def _client(store: Store) -> MlflowClient:
    return store if isinstance(store, MlflowClient) else connect(store)


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
    traces = read_traces(client, runs, CURVES)
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
        overrides=_strings(parent, "lrscope.overrides"),
        planned=_integer(parent.data.tags.get("lrscope.planned")),
        deleted=len(children(client, parent, ViewType.DELETED_ONLY)),
        members=tuple(sorted(members, key=lambda member: sort_key(member, axes))),
        ours=parent.data.tags.get("lrscope.kind") == "sweep",
        has_view=VIEW_TAG + view_key(parent.info.run_id) in experiment.tags,
    )


def latest_sweep(store: Store) -> str:
    """The run id of the parent of the sweep that was started last, in whatever experiment.

    Raises:
        InputError: the store holds no sweep.
    """
    client = _client(store)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    newest = ["attributes.start_time DESC"]
    if found := client.search_runs(experiments, "tags.`lrscope.kind` = 'sweep'", max_results=1, order_by=newest):
        return found[0].info.run_id
    if found := client.search_runs(experiments, f"tags.`{PARENT}` != ''", max_results=1, order_by=newest):
        return found[0].data.tags[PARENT]
    raise InputError(
        Problem("sweep", "latest", f"{client.tracking_uri} holds no sweep", "Run one: python train.py -m lr=0.1,0.01")
    )


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


def _parent(client: MlflowClient, run_id: str) -> Run:
    """The parent: the run itself, or the one it is a member of."""
    run = stored_run(client, run_id)
    above = run.data.tags.get(PARENT)
    if above and run.data.tags.get("lrscope.kind") != "sweep":
        run = stored_run(client, above)
    return run


def stored_run(client: MlflowClient, run_id: str) -> Run:
    """The run of that id.

    Raises:
        InputError: there is none, or it was deleted, or the id is none.
    """
    remedy = "List them with: python scripts/compare.py --list"
    if not RUN_ID.fullmatch(run_id):
        raise InputError(Problem("sweep", run_id[:80], "this is no MLflow run id", remedy))
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise InputError(Problem("sweep", run_id, f"{client.tracking_uri} has no such run", remedy)) from error
    if run.info.lifecycle_stage == "deleted":
        raise InputError(
            Problem("sweep", run_id, "this run was deleted", f"Bring it back: mlflow runs restore --run-id {run_id}")
        )
    return run


def _member(run: Run, axes: Sequence[str], trace: Trace) -> Member:
    tags, params = run.data.tags, run.data.params
    return Member(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:8],
        rate=peak_rate(run),
        seed=next((seed for name in SEED_PARAMS if (seed := _integer(params.get(name))) is not None), None),
        settings=settings_of(run, axes),
        status=run.info.status,
        verdict=_verdict(tags),
        why=tags.get("lrscope.why", ""),
        seconds=_seconds(run),
        trace=trace,
        params=dict(params),
        artifacts=run.info.artifact_uri or "",
    )


def _diagnosed(members: Sequence[Member]) -> list[Member]:
    """Members that ended well but were never judged (another program made them) are judged from their curves."""
    unjudged = [m for m in members if m.verdict is None and m.status == "FINISHED" and m.trace.series]
    if not unjudged:
        return list(members)
    found = diagnose_sweep([member.trace for member in unjudged])
    judged = {
        member.run_id: replace(member, verdict=diagnosis.verdict, why=diagnosis.primary.why)
        for member, diagnosis in zip(unjudged, found, strict=True)
    }
    return [judged.get(member.run_id, member) for member in members]


def _seconds(run: Run) -> float | None:
    """Training time as recorded, else from MLflow's start to its end; None while it runs."""
    try:
        return float(run.data.tags["lrscope.seconds"])
    except (KeyError, ValueError):
        return (run.info.end_time - run.info.start_time) / 1000 if run.info.end_time else None


def _verdict(tags: Mapping[str, str]) -> Verdict | None:
    try:
        return Verdict.from_label(tags["lrscope.verdict"])
    except (KeyError, ValueError):
        return None  # not diagnosed, or edited by hand


def _strings(run: Run, tag: str) -> tuple[str, ...]:
    try:
        stored = json.loads(run.data.tags.get(tag, "[]"))
    except ValueError:
        return ()
    return tuple(str(item) for item in stored) if isinstance(stored, list) else ()


def _integer(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
