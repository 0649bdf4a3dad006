"""Runs in MLflow's terms: found by their local id, created once, hung below their parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lrscope.core.errors import NotConfirmed
from lrscope.core.failpoint import failpoint
from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking.journal import events as ev
from lrscope.tracking.mlflow_store.state_tag import folded
from lrscope.tracking.mlflow_store.store import Store

LOCAL_ID = "lrscope.local_id"
PARENT_LOCAL_ID = "lrscope.parent_local_id"
PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class RunIds:
    run_id: str
    experiment_id: str


def find_run(store: Store, local_id: str, experiment_ids: Sequence[str] | None = None) -> Any | None:
    """The MLflow run of a local id, deleted ones included; None where there is none."""
    from mlflow.entities import ViewType

    ids = list(experiment_ids) if experiment_ids is not None else all_experiments(store)
    found = (
        store.client.search_runs(ids, f"tags.`{LOCAL_ID}` = '{local_id}'", ViewType.ALL, max_results=1) if ids else []
    )
    if found and found[0].data.tags.get(LOCAL_ID) != local_id:
        raise NotConfirmed("it was asked for one run, and answered with another")
    return found[0] if found else None


def is_deleted(store: Store, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(store.client.get_run(run_id).info.lifecycle_stage != "active")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return True
        raise


def all_experiments(store: Store) -> list[str]:
    from mlflow.entities import ViewType

    found: list[Any] = []
    token: str | None = None
    while True:
        page = store.client.search_experiments(ViewType.ALL, max_results=1000, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            store.know_experiments(found)
            return [experiment.experiment_id for experiment in found]


def create_run(store: Store, started: ev.Started, parent_run_id: str | None) -> RunIds:
    """Make the MLflow run, its identity inside the one call that creates it."""
    start = started.start
    tags = {**start.tags, **started.process, LOCAL_ID: start.local_id, "lrscope.kind": start.kind}
    if start.parent_local_id:
        tags[PARENT_LOCAL_ID] = start.parent_local_id
    if parent_run_id:
        tags |= {PARENT: parent_run_id, "lrscope.sweep": parent_run_id}
    if start.kind == "sweep":
        tags.pop("lrscope.sweep", None)
    with failpoint("run"):
        run = store.client.create_run(
            store.experiment_id(start.experiment),
            start_time=started.time_ms,
            tags={key: value[:TAG_LENGTH] for key, value in folded(tags, {}).items()},
            run_name=start.name,
        )
    if not run.info.run_id or run.data.tags.get(LOCAL_ID) != start.local_id:
        raise NotConfirmed("it answered that a run is made, but not this one")
    store.know_run(run)
    return RunIds(run.info.run_id, run.info.experiment_id)


def adopt_orphans(store: Store, ids: RunIds, local_id: str) -> None:
    """Members that were delivered before their parent are hung below it."""
    from mlflow.entities import RunTag

    for child in store.client.search_runs([ids.experiment_id], f"tags.`{PARENT_LOCAL_ID}` = '{local_id}'"):
        if PARENT not in child.data.tags:
            tags = [RunTag(PARENT, ids.run_id), RunTag("lrscope.sweep", ids.run_id)]
            store.client.log_batch(child.info.run_id, tags=tags)
