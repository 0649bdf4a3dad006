"""In what a store differs from that of the command that nobody disturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import torch

from torture.contents import Recorded

OTHERWISE = "lrscope.resumed_otherwise"
"""A run with this tag went on in a batched model of another size: its numbers are the same to within roundings."""

REPLAYED = "lrscope.replayed"
"""A step that was trained twice came to another value: such a run may have it, too."""

PRUNED = "lrscope.pruned"
"""Where a search stopped a run: in JSON, with the loss that was forecast."""

ROUNDING = 1e-3
MOST_NAMED = 8


@dataclass(frozen=True)
class Differences:
    """How often each thing went wrong in one trial; all zero is what is promised."""

    runs_missing: int = 0
    runs_doubled: int = 0
    points_missing: int = 0
    points_doubled: int = 0
    values_wrong: int = 0
    params_wrong: int = 0
    tags_wrong: int = 0
    statuses_wrong: int = 0
    weights_wrong: int = 0
    artifacts_wrong: int = 0
    models_wrong: int = 0
    which: tuple[str, ...] = ()
    """Some of it, by name."""

    @property
    def none(self) -> bool:
        return self == Differences()

    def __add__(self, other: Differences) -> Differences:
        return Differences(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in self.counts().items() if count)
        return f"{words or 'none'} ({', '.join(self.which)})" if self.which else words or "none"

    def counts(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "which"}


Runs = Mapping[str, list[Recorded]]


def compare(mine: Runs, theirs: Runs) -> Differences:
    """Hold every run of one store against the run of the same name in the other."""
    total = Differences()
    any_rounded = any(OTHERWISE in run.tags for runs in mine.values() for run in runs)
    for name, originals in theirs.items():
        found = mine.get(name, [])
        missing, doubled = max(0, len(originals) - len(found)), max(0, len(found) - len(originals))
        total += Differences(missing, doubled, which=(f"{name}: {missing} missing",) if missing else ())
        for run, original in zip(found, originals, strict=False):
            reports_rounded = any_rounded and name.startswith("sweep ")
            total += _differences(name, run, original, reports_rounded or OTHERWISE in run.tags)
    extra = [name for name in mine if name not in theirs]
    return total + Differences(runs_doubled=sum(len(mine[name]) for name in extra), which=tuple(extra))


def _differences(name: str, run: Recorded, original: Recorded, rounded: bool) -> Differences:
    missing = original.points.keys() - run.points.keys()
    surplus = run.points.keys() - original.points.keys()
    doubled = [key for key, count in run.points.items() if count > 1]
    values = [
        key
        for key, value in original.values.items()
        if key in run.values and not _same(value, run.values[key], rounded)
    ]
    tags = {key: value for key, value in run.tags.items() if not (rounded and key in (OTHERWISE, REPLAYED))}
    tags_of_twin = dict(original.tags)
    if rounded and PRUNED in tags and PRUNED in tags_of_twin:
        tags[PRUNED], tags_of_twin[PRUNED] = _without_forecast(tags[PRUNED]), _without_forecast(tags_of_twin[PRUNED])
    of_numbers = ("mlflow.note.content", "lrscope.why", "lrscope.best", "lrscope.diagnosis") if rounded else ()
    wrong = {
        "param": list(_wrong(run.params, original.params)),
        "tag": [key for key in _wrong(tags, tags_of_twin) if key not in of_numbers],
        "artifact": [] if rounded else list(_wrong(run.artifacts, original.artifacts)),
        "model": [] if rounded else list(_wrong(run.models, original.models)),
    }
    weights = [
        key
        for key, value in original.weights.items()
        if key not in run.weights or not _same_weights(value, run.weights[key], rounded)
    ]
    named = [f"{what} {key}" for what, keys in wrong.items() for key in keys]
    named += [f"point {key} {step}" for key, step in [*sorted(missing)[:3], *sorted(surplus)[:3], *sorted(doubled)[:3]]]
    named += [f"value {key} {step}" for key, step in sorted(values)[:3]] + [f"weight {key}" for key in weights]
    named += [f"{run.status} for {original.status}"] if run.status != original.status else []
    return Differences(
        points_missing=len(missing),
        points_doubled=sum(run.points[key] - 1 for key in doubled) + len(surplus),
        values_wrong=len(values),
        params_wrong=len(wrong["param"]),
        tags_wrong=len(wrong["tag"]),
        statuses_wrong=int(run.status != original.status),
        weights_wrong=len(weights),
        artifacts_wrong=len(wrong["artifact"]),
        models_wrong=len(wrong["model"]),
        which=tuple(f"{name}: {item}" for item in named[:MOST_NAMED]),
    )


def _wrong(mine: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    yield from (key for key in sorted({*mine, *theirs}) if mine.get(key) != theirs.get(key))


def _without_forecast(pruned: str) -> str:
    """The rung, and the place there."""
    return json.dumps({key: value for key, value in json.loads(pruned).items() if key not in ("forecast", "reason")})


def _same(one: float, other: float, rounded: bool) -> bool:
    if rounded:
        return abs(one - other) <= ROUNDING * max(1.0, abs(one))
    return one == other or (one != one and other != other)


def _same_weights(one: torch.Tensor, other: torch.Tensor, rounded: bool) -> bool:
    if not rounded:
        return torch.equal(one, other)
    return bool(torch.allclose(one.double(), other.double(), rtol=ROUNDING, atol=ROUNDING))
