"""Updates that bounce across a minimum and do not shrink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.diagnosis.level import trend
from lrscope.diagnosis.reading import Reading
from lrscope.trace import Series
from lrscope.verdict import Certainty, Evidence, Finding, Verdict

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Oscillating:
    """The loss at fixed weights jumps about a level instead of settling on its lowest values, so a lower rate would.

    depth: how far below the level the loss keeps getting, as a share of the fall L₀ − L_end: what a lower rate would gain.
        Source: 5% from the definition of the verdict. quantile: the depth is read off at this quantile of the late
        values. late: share of the run that is looked at. least: values needed in it. same_rate: only steps whose rate
        was within this factor of the last one count: what bounced under a rate that is gone is over.
    """

    depth: float = 0.05
    quantile: float = 0.1
    late: float = 0.3
    least: int = 4
    same_rate: float = 2.0

    def find(self, reading: Reading) -> Finding | None:
        curve = self._late(reading)
        if len(curve) < self.least or not np.isfinite(curve.values).all() or reading.fall == 0:
            return None
        line = trend(curve.steps, curve.values)
        off = curve.values - line
        depth = -float(np.quantile(off, self.quantile)) / abs(reading.fall)
        per_step = (line[-1] - line[0]) / (curve.steps[-1] - curve.steps[0])
        soon = -per_step * reading.steps / 10 / abs(reading.fall)
        if not depth > self.depth or soon > max(self.depth, depth):
            return None
        return self._finding(reading, depth, curve)

    def _late(self, reading: Reading) -> Series:
        """The last part of the losses at fixed weights (a full batch's loss is one), at about the final rate."""
        curve, facts = reading.trace.get("train/loss_eval"), reading.facts
        if not len(curve):
            whole = facts.batch_size is not None and facts.examples is not None and facts.batch_size >= facts.examples
            curve = reading.trace.get("train/loss" if whole else "train/loss_epoch")
        rates = reading.rates
        if not len(curve) or not np.isfinite(rates).all():
            return Series(curve.steps[:0], curve.values[:0])
        other = np.flatnonzero((rates > self.same_rate * rates[-1]) | (rates < rates[-1] / self.same_rate))
        start = max(reading.steps * (1 - self.late), other[-1] + 1 if len(other) else 0)
        count = int((curve.steps >= start).sum())
        if not len(other):
            count = max(count, min(2 * self.least, len(curve) // 2))
        return Series(curve.steps[len(curve) - count :], curve.values[len(curve) - count :])

    def _finding(self, reading: Reading, depth: float, curve: Series) -> Finding:
        low, high = float(curve.values.min()), float(curve.values.max())
        why = (
            f"train loss jumps between {low:.4g} and {high:.4g} over the last {len(curve)} evaluations at fixed weights and "
            f"settles at none; it keeps getting {depth:.0%} of its fall below its level of {reading.end:.4g}"
        )
        evidence = [Evidence("depth of the jumps / fall", depth, self.depth)]
        cosine = _late_median(reading, "update_cosine")
        if cosine is not None and cosine < -0.1:
            why += f"; successive updates point against each other (cosine {cosine:.2f})"
            evidence.append(Evidence("cosine of successive updates", cosine, 0.0))
        ratio = _late_median(reading, "update_ratio")
        if ratio is not None:
            why += f"; each update is still {ratio:.2g} of the weights"
        certainty: Certainty = "strong" if depth > 1.5 * self.depth and len(curve) >= 2 * self.least else "weak"
        peak = reading.facts.peak_lr
        advice = "lower lr 10×" + (f", to {peak / 10:.2g}" if peak else "") + ", or let a schedule bring it down by the end"
        return Finding(Verdict.OSCILLATING, why, advice, tuple(evidence), certainty)


def _late_median(reading: Reading, name: str) -> float | None:
    curve = reading.trace.get(name)
    late = curve.values[curve.steps >= 0.7 * reading.steps]
    late = late[np.isfinite(late)]
    return float(np.median(late)) if len(late) else None
