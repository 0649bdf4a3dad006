"""What a registered model reached, over seeds: kept in a tag of its version, and compared with the next one."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from lrscope.core.from_store import entries, finite, line, number, whole
from lrscope.report.analysis.estimates import t_quantile

TAG = "lrscope.score"


@dataclass(frozen=True)
class Score:
    """``mean`` of a metric over ``seeds`` runs that differ in their seed only, with its 95% interval ``low`` to
    ``high`` and its standard ``error`` (0 with one seed). As in the report, each run counts with the mean of its best
    and its last value.

    ``room`` is the difference that the run's sweep calls none, in the metric's unit: 1% of a loss, the standard error
    over seeds, or the noise between neighbouring rates. ``rises``: whether higher is better.
    """

    metric: str
    rises: bool
    mean: float
    low: float
    high: float
    error: float
    seeds: int
    room: float

    def __str__(self) -> str:
        over = f"{self.low:.4g} to {self.high:.4g} over {self.seeds} seeds" if self.seeds > 1 else "one seed"
        return f"{self.metric} {self.mean:.4g} ({over})"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str | None) -> Score | None:
        """The score of a tag; None where it is none."""
        found = entries(stored)
        numbers = [number(found.get(name)) for name in ("mean", "low", "high", "error", "room")]
        seeds = whole(found.get("seeds"), low=1)
        if seeds is None or any(value is None or not math.isfinite(value) for value in numbers):
            return None
        mean, low, high, error, room = (finite(value) for value in numbers)
        return cls(line(found.get("metric")), found.get("rises") is True, mean, low, high, error, seeds, room)


def worse_by(new: Score, old: Score) -> float:
    """How much worse the new one is, in the metric's unit; negative where it is better."""
    return old.mean - new.mean if new.rises else new.mean - old.mean


def noise_between(new: Score, old: Score) -> tuple[float, str]:
    """The largest difference that may be chance, and words for where it comes from.

    With two seeds and more on both sides half the 95% interval of the difference of their means, by Welch's t
    (Welch 1947, Biometrika 34:28): ``t(0.975, v) · sqrt(e1² + e2²)``. Nor does less count than either sweep calls
    equal.
    """
    found = [(max(new.room, old.room), "what their sweeps call equal")]
    if new.seeds > 1 and old.seeds > 1 and (both := new.error**2 + old.error**2) > 0:
        degrees = both**2 / (new.error**4 / (new.seeds - 1) + old.error**4 / (old.seeds - 1))
        found.append((t_quantile(degrees) * math.sqrt(both), f"{old.seeds} and {new.seeds} seeds"))
    return max(found)
