"""What a store has, read with MLflow's own client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.tracking import MlflowClient

from lrscope.tracking import Point, RunLog, RunStart, now_ms
from lrscope.tracking.mlflow_store.checked_client import checked_run


def start(experiment: str, local_id: str, kind: Any = "run", parent: str | None = None, **rest: Any) -> RunStart:
    return RunStart(experiment, f"name of {local_id}", kind, local_id, parent, **rest)


def measured(steps: Sequence[int], keys: Sequence[str] = ("train/loss", "lr")) -> Iterator[Point]:
    """Deterministic values, timestamps of now."""
    for step in steps:
        for place, key in enumerate(keys):
            yield Point(key, step, (step + 1) / (place + 7), now_ms())


def record(log: RunLog, steps: Sequence[int], **rest: Any) -> None:
    """Step by step, as a training does."""
    for step in steps:
        log.points(list(measured([step], **rest)))


def run_of(client: MlflowClient, local_id: str) -> Any:
    """The one run of that local id; its tags by the names that they were recorded by."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`lrscope.local_id` = '{local_id}'")
    assert len(found) == 1, f"{len(found)} runs of {local_id}"
    return checked_run(found[0])


def steps_of(client: MlflowClient, run_id: str, key: str = "train/loss") -> list[int]:
    """Every recorded step of a metric, doubles included."""
    return sorted(metric.step for metric in client.get_metric_history(run_id, key))


def values_of(client: MlflowClient, run_id: str, key: str = "train/loss") -> dict[int, float]:
    return {metric.step: metric.value for metric in client.get_metric_history(run_id, key)}
