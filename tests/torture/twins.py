"""What a store holds of a sweep, and in what it differs from the store of the command that nobody disturbed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from mlflow import MlflowClient
from mlflow.entities import Run

NOT_COMPARED = ("system/", "sharpness/seconds")
"""Metrics of wall-clock time."""


@dataclass(frozen=True)
class Differences:
    """How often each thing went wrong in one trial; all zero is what is promised."""

    runs_missing: int = 0
    runs_doubled: int = 0
    points_missing: int = 0
    points_doubled: int = 0
    values_wrong: int = 0
    statuses_wrong: int = 0
    weights_wrong: int = 0
    files_missing: int = 0
    """Artifacts, datasets and verdicts."""
    which: tuple[str, ...] = ()
    """What is missing, by name."""

    @property
    def none(self) -> bool:
        return self == Differences()

    def __add__(self, other: Differences) -> Differences:
        return Differences(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        counts = (f for f in fields(self) if f.name != "which")
        words = ", ".join(f"{f.name.replace('_', ' ')} {getattr(self, f.name)}" for f in counts)
        return f"{words} ({', '.join(self.which)})" if self.which else words


@dataclass(frozen=True)
class Recorded:
    """One run as stored: every point, and the weights of its last checkpoint."""

    status: str
    points: Counter[tuple[str, int]]
    values: dict[tuple[str, int], float]
    weights: dict[str, torch.Tensor]
    files: frozenset[str]
    """Artifacts, datasets and the verdict."""


def compare(store: str, twin: str, experiment: str | None = None) -> Differences:
    """Hold every run of one store (or of one experiment of it) against the run of the same name in the other."""
    mine, theirs = _runs(store, experiment), _runs(twin)
    total = Differences()
    for name, originals in theirs.items():
        found = mine.get(name, [])
        total += Differences(
            runs_missing=max(0, len(originals) - len(found)), runs_doubled=max(0, len(found) - len(originals))
        )
        for run, original in zip(found, originals, strict=False):
            total += _differences(name, run, original)
    extra = sum(len(runs) for name, runs in mine.items() if name not in theirs)
    return total + Differences(runs_doubled=extra)


def _differences(name: str, run: Recorded, original: Recorded) -> Differences:
    doubled = sum(count - 1 for count in run.points.values()) + len(run.points.keys() - original.points.keys())
    shared = run.values.keys() & original.values.keys()
    points, files = original.points.keys() - run.points.keys(), original.files - run.files
    return Differences(
        points_missing=len(points),
        points_doubled=doubled,
        values_wrong=sum(not _same(run.values[key], original.values[key]) for key in shared),
        statuses_wrong=int(run.status != original.status),
        weights_wrong=sum(
            key not in run.weights or not torch.equal(value, run.weights[key])
            for key, value in original.weights.items()
        ),
        files_missing=len(files),
        which=tuple(f"{name}: {item}" for item in [*sorted(points)[:5], *sorted(files)]),
    )


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _runs(store: str, experiment: str | None = None) -> dict[str, list[Recorded]]:
    client = MlflowClient(store)
    known = client.search_experiments()
    experiments = [found.experiment_id for found in known if experiment in (None, found.name)]
    found: dict[str, list[Recorded]] = {}
    for run in client.search_runs(experiments, max_results=1000):
        name = f"{run.data.tags.get('lrscope.kind')} {run.info.run_name}"
        found.setdefault(name, []).append(_recorded(client, run))
    return found


def _recorded(client: MlflowClient, run: Run) -> Recorded:
    points: Counter[tuple[str, int]] = Counter()
    values: dict[tuple[str, int], float] = {}
    for key in run.data.metrics:
        if key.startswith(NOT_COMPARED):
            continue
        for point in client.get_metric_history(run.info.run_id, key):
            points[(key, point.step)] += 1
            values[(key, point.step)] = point.value
    return Recorded(run.info.status, points, values, _weights(client, run), frozenset(_files(client, run)))


def _files(client: MlflowClient, run: Run, folder: str | None = None) -> Iterator[str]:
    for artifact in client.list_artifacts(run.info.run_id, folder):
        if artifact.is_dir:
            yield from _files(client, run, artifact.path)
        else:
            yield artifact.path
    if folder is None:
        yield f"verdict {run.data.tags.get('lrscope.verdict')}"
        yield from (f"dataset {given.dataset.name}" for given in run.inputs.dataset_inputs)


def _weights(client: MlflowClient, run: Run) -> dict[str, torch.Tensor]:
    if not any(a.path == "checkpoints/last.ckpt" for a in client.list_artifacts(run.info.run_id, "checkpoints")):
        return {}
    path = Path(client.download_artifacts(run.info.run_id, "checkpoints/last.ckpt"))
    content: dict[str, dict[str, torch.Tensor]] = torch.load(path, map_location="cpu", weights_only=True)
    return content["state_dict"]
