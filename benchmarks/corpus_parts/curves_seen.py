"""What the curves of a run say, worked out without the diagnosis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Trace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """What the curves of a run say, without the diagnosis' own numbers."""

    trace: Trace
    others: tuple[Trace, ...] = ()
    """The other members of its sweep."""

    def values(self, name: str) -> Floats:
        return self.trace.get(name).values

    @property
    def steps(self) -> int:
        return 1 + max(int(curve.steps[-1]) for curve in self.trace.series.values() if len(curve))

    def starts(self, loss: float) -> bool:
        """Whether that is the loss before training; where it was not recorded, one as high as the first batches'."""
        start = self.values("train/loss_start")
        if len(start):
            return same(start[0], loss)
        early = self._losses()[: max(3, len(self._losses()) // 4)]
        return bool(early.min() * 0.4 <= loss <= early.max() * 2.1)

    def ends(self, loss: float) -> bool:
        """Whether it lies among the last 30% of the losses at fixed weights, or of the last batches' losses."""
        fixed = [self.trace.get(name) for name in ("train/loss_eval", "train/loss_late")]
        late = [curve.values[curve.steps >= 0.65 * self.steps] for curve in fixed if len(curve)]
        values = np.concatenate(late) if late else self._losses()[-max(3, len(self._losses()) // 3) :]
        room = 1e-3 * abs(loss) + 1e-12
        return bool(values.min() - room <= loss <= values.max() + room)

    def another_ends(self, loss: float) -> bool:
        return any(Seen(other).ends(loss) for other in self.others)

    @property
    def set_rate(self) -> float:
        """What the key of the rate stands at, as the facts have it; the largest that was used where they do not say."""
        known = self.trace.facts.peak_lr if self.trace.facts.settings is not None else None
        return known if known is not None else float(self.rates.max())

    def another_at(self, rate: float) -> bool:
        return any(same(Seen(other).set_rate, rate) for other in self.others)

    def another_did(self, rate: float, metric: str, loss: float) -> bool:
        """Whether the members at that rate came to that loss, in the mean of their lowest or their ends."""
        at_it = [Seen(other) for other in self.others if same(Seen(other).set_rate, rate)]
        if metric == "val/loss":
            lowest = [np.nanmin(other.values(metric)) for other in at_it if len(other.values(metric))]
            return len(lowest) > 0 and same(float(np.mean(lowest)), loss)
        return any(other.ends(loss) for other in at_it) or len(at_it) > 1

    @property
    def constant(self) -> float | None:
        facts = self.trace.facts
        recorded = self.values("train/loss_constant")
        if facts.constant_loss is not None or len(recorded):
            return facts.constant_loss if facts.constant_loss is not None else float(recorded[-1])
        shares = [share for share in facts.class_shares if share > 0]
        return -sum(share * math.log(share) for share in shares) if shares else None

    def is_constant(self, loss: float) -> bool:
        return self.constant is not None and same(self.constant, loss)

    def is_val_constant(self, loss: float) -> bool:
        known, recorded = self.trace.facts.val_constant_loss, self.values("val/loss_constant")
        return same(known if known is not None else float(recorded[-1]), loss)

    def last(self, name: str, value: float) -> bool:
        return len(self.values(name)) > 0 and same(float(self.values(name)[-1]), value)

    def _losses(self) -> Floats:
        names = ("train/loss", "train/loss_epoch", "train/loss_eval")
        return next(self.values(name) for name in names if len(self.values(name)))

    def late(self, name: str) -> float:
        curve = self.trace.get(name)
        late = curve.values[curve.steps >= 0.7 * self.steps]
        return float(np.median(late[np.isfinite(late)]))

    @property
    def rates(self) -> Floats:
        curve = self.trace.get("lr")
        place = np.searchsorted(curve.steps, np.arange(self.steps), side="right") - 1
        return curve.values[np.maximum(place, 0)]


def same(true: float, told: float, error: float = 6e-3) -> bool:
    """Whether a number was told right, to about two digits."""
    if not (math.isfinite(true) and math.isfinite(told)):
        return (math.isnan(true) and math.isnan(told)) or true == told or abs(true) > 1e300
    return abs(true - told) <= error * max(abs(true), abs(told)) + 1e-12
