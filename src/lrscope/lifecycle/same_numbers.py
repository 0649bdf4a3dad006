"""Two runs of one config compared: every recorded point, and the final weights."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lrscope.core.tracking_settings import TrackingSettings
from lrscope.report.analysis.comparison import compare
from lrscope.report.data.collect import PARENT, collect_sweep
from lrscope.tracking.mlflow_store.fetch import fetch_artifact
from lrscope.tracking.mlflow_store.read import read_histories

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from lrscope.core.trace import Series

LOSS = "train/loss"
COMPARED = ("train/", "val/", "test/", "lr", "epoch", "grad_norm", "update_", "dead_units", "output_spread")
"""Beginnings of the metrics that training decides; what copies came to depends on the time that they were given."""

UNIT = 2.0**-23
"""One unit in the last place of a float32, as a share of its size."""

UNITS_A_STEP = 4
"""So many units each step may put two trainings apart that round otherwise, see docs/reliability.md."""


@dataclass(frozen=True)
class First:
    """The first step at which a metric differs, and its two values."""

    metric: str
    step: int
    then: float
    now: float


@dataclass(frozen=True)
class Sameness:
    """``losses`` recorded training losses that both have, ``points`` of all metrics. ``first`` is where any of them
    differs in a bit, ``beyond`` where a loss differs by more than rounding explains; None where none does. ``weights``:
    distance of the final weights as a share of their norm, None where one of the runs has left none.
    """

    losses: int
    points: int
    first: First | None
    beyond: First | None
    weights: float | None
    steps: int

    @property
    def equal(self) -> bool:
        """Whether every bit that can be compared is the same."""
        return self.first is None and self.points > 0 and self.weights in (0.0, None)

    @property
    def within_rounding(self) -> bool:
        """Whether what differs is within the bound of roundings that differ: 4 units in the last place a step."""
        bound = UNITS_A_STEP * max(self.steps, 1) * UNIT
        return self.points > 0 and self.beyond is None and (self.weights is None or self.weights <= bound)


def same_numbers(client: MlflowClient, then: str, now: str) -> Sameness:
    """Compare two stored runs by their ids."""
    keys = [key for key in client.get_run(then).data.metrics if key.startswith(COMPARED)]
    curves = read_histories(client, dict.fromkeys((then, now), keys))
    pairs = {key: _both(curves[then].get(key), curves[now].get(key)) for key in keys}
    steps = max((int(series.steps[-1]) + 1 for series in curves[then].values() if len(series)), default=0)
    firsts = [found for key, pair in pairs.items() if (found := _first(key, *pair, bound=0.0)) is not None]
    beyond = [
        found
        for key, pair in pairs.items()
        if "loss" in key and (found := _first(key, *pair, bound=UNITS_A_STEP * UNIT)) is not None
    ]
    return Sameness(
        losses=len(pairs[LOSS][0]) if LOSS in pairs else 0,
        points=sum(len(steps) for steps, _, _ in pairs.values()),
        first=min(firsts, key=lambda found: found.step, default=None),
        beyond=min(beyond, key=lambda found: found.step, default=None),
        weights=_distance(_weights(client, then), _weights(client, now)),
        steps=steps,
    )


def _both(then: Series | None, now: Series | None) -> tuple[Any, Any, Any]:
    """Steps and both values, where either has a point; nan where one has none. Steps that the other run records no
    point of at all, as one that ended early, count as different.
    """
    one, other = (dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) if s else {} for s in (then, now))
    steps = np.array(sorted(one.keys() | other.keys()), np.int64)
    found = [np.array([of.get(step, np.nan) for step in steps.tolist()], np.float64) for of in (one, other)]
    return steps, found[0], found[1]


def _first(key: str, steps: Any, then: Any, now: Any, bound: float) -> First | None:
    """The first step at which the values are further apart than ``bound`` a step, as a share of their size."""
    with np.errstate(invalid="ignore"):
        room = bound * (steps + 1) * np.maximum(np.abs(then), np.abs(now))
        alike = (then == now) | (np.isnan(then) & np.isnan(now)) | (np.abs(then - now) <= room)
    wrong = np.flatnonzero(~alike)
    if not len(wrong):
        return None
    at = int(wrong[0])
    return First(key, int(steps[at]), float(then[at]), float(now[at]))


def _weights(client: MlflowClient, run_id: str) -> Mapping[str, Any] | None:
    from lrscope.training.checkpoint_folder import LAST, read_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / LAST
        if not fetch_artifact(TrackingSettings(uri=client.tracking_uri), run_id, f"checkpoints/{LAST}", place):
            return None
        try:
            found = read_checkpoint(place)["state_dict"]
        except Exception:  # whatever lay in the store under that name
            return None
    return found if isinstance(found, dict) else None


def _distance(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> float | None:
    """Norm of the difference by the norm of the weights; 0 only where every bit is the same."""
    import torch

    if then is None or now is None:
        return None
    if then.keys() != now.keys() or any(then[key].shape != now[key].shape for key in then):
        return float("inf")
    if all(torch.equal(then[key], now[key]) for key in then):
        return 0.0
    apart = sum(float((then[key].double() - now[key].double()).square().sum()) for key in then)
    size = sum(float(then[key].double().square().sum()) for key in then)
    return max(float((apart / size) ** 0.5), 1e-300) if size else float("inf")


def over_seeds(client: MlflowClient, then: str, now: str) -> str | None:
    """How the last value of what the sweep is judged by lies within its spread over seeds; None without seeds."""
    run = client.get_run(then)
    if PARENT not in run.data.tags:
        return None
    comparison = compare([collect_sweep(client, then)])
    cells = [cell for group in comparison.groups for cell in group.cells]
    row, cell = next((row, cell) for cell in cells for row in cell.rows if row.member.run_id == then)
    lasts = [one.final for one in cell.rows if np.isfinite(one.final)]
    value = client.get_run(now).data.metrics.get(comparison.judge.metric)
    if len(lasts) < 2 or value is None:
        return None
    apart, spread = abs(comparison.judge.value(row.final) - value), statistics.stdev(lasts)
    where = "within" if apart <= spread else "beyond"
    return (
        f"the last {comparison.judge.metric} differs by {apart:.2g}, {where} its spread over {len(lasts)} seeds"
        f" (standard deviation {spread:.2g})"
    )
