"""Updates that bounce across a minimum and do not shrink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series
from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import finding, lower
from lrscope.diagnosis.signals.eval_steps import TENTH
from lrscope.diagnosis.signals.level import end_level, trend
from lrscope.diagnosis.signals.run_signals import RunSignals

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Oscillating(Detector):
    """The loss at fixed weights jumps about a level instead of settling on its lowest values, so a lower rate would.

    depth: how far below the level the loss keeps getting, as a share of the fall L₀ − L_end: what a lower rate would
        gain. Source: 5% from the definition of the verdict. quantile: the depth is read off at this quantile of the
        late values. late: share of the run that is looked at. least: values needed in it. same_rate: only steps whose
        rate was within this factor of the last one count: what bounced under a rate that is gone is over. rough: the
        last values must bounce by this share of what they could gain: a smooth way back from a jump is no bouncing.
        back: and stand by this share of it above the lowest: what has come down to stay is over. nothing: a fall below
        this share of L₀ is none, see :meth:`_still_jumps`. matters: the gain must be at least this share of L₀.
        against: median cosine of successive updates from which a swing without jumps of the loss is believed, see
        :func:`swing`. clear: where copies of the run were trained on, the factor by which what they did must pass
        the bounds of the definition: a healthy run is not to be called failed for the order of its data.
    """

    verdict: ClassVar = Verdict.OSCILLATING
    depth: float = 0.05
    quantile: float = 0.1
    late: float = 0.3
    least: int = 4
    rough: float = 0.1
    back: float = 0.5
    nothing: float = 0.05
    matters: float = 0.005
    against: float = -0.8
    same_rate: float = 2.0
    clear: float = 1.5

    def find(self, signals: RunSignals) -> Finding | None:
        ahead = signals.ahead
        if ahead.same is None or ahead.lower is None:
            return self._recorded(signals)
        return self._tried(signals, ahead.same, ahead.lower)

    def _tried(self, signals: RunSignals, same: float, lower: float) -> Finding | None:
        """By the definition, from what copies of the run did; in every order of the data that they were tried in."""
        ahead, end = signals.ahead, signals.end
        if not self._bounces(signals, same, lower, self.clear) or self.in_doubt(signals):
            return None
        share = (end - lower) / abs(signals.fall) if signals.fall else np.inf
        gain = f", {share:.0%} of the fall so far" if signals.fall > 0 else ""
        why = (
            f"10% more steps at a tenth of the rate, on a copy, took the train loss from {end:.4g} to {lower:.4g}"
            f"{gain}, and as many at the same rate to {same:.4g}"
        )
        if ahead.same_other is not None and ahead.lower_other is not None:
            why += f"; in another order of the data to {ahead.lower_other:.4g} and to {ahead.same_other:.4g}"
        return self._finding(signals, why, share, "strong")

    def in_doubt(self, signals: RunSignals) -> bool:
        """Whether two orders of the data disagree: then chance decides, and that it bounces is not said."""
        same, lower = signals.ahead.same_other, signals.ahead.lower_other
        return same is not None and lower is not None and not self._bounces(signals, same, lower, 1.0)

    def _bounces(self, signals: RunSignals, same: float, lower: float, clear: float) -> bool:
        bar, end = self._bar(signals), signals.end
        held = max(self.depth * abs(signals.fall), signals.level.bounce) / clear
        return end - lower > clear * bar > 0 and not end - same > held

    def _bar(self, signals: RunSignals) -> float:
        """What a lower rate must gain."""
        return max(self.depth * abs(signals.fall), self.matters * signals.first)

    def _recorded(self, signals: RunSignals) -> Finding | None:
        """From the record alone."""
        curve, bar = self._late(signals), self._bar(signals)
        if len(curve) < self.least or not np.isfinite(curve.values).all() or not bar > 0:
            return None
        _, _, moves = end_level(curve.steps, curve.values)
        line = trend(curve.steps, curve.values) if moves else np.full(len(curve), np.median(curve.values))
        depth = -float(np.quantile(curve.values - line, self.quantile))
        soon = (line[0] - line[-1]) / (curve.steps[-1] - curve.steps[0]) * signals.steps * TENTH
        swung = swing(signals, self.against) or 0.0
        gain = max(depth if self._still_jumps(curve, bar, signals.fall < self.nothing * signals.first) else 0.0, swung)
        if not gain > bar or soon > max(self.depth * abs(signals.fall), depth):
            return None
        share = gain / abs(signals.fall) if signals.fall else np.inf
        certainty: Certainty = "strong" if share > 1.5 * self.depth and len(curve) >= 2 * self.least else "weak"
        swings = f"train loss stays at {signals.end:.4g} while the updates swing to and fro"
        why = _jumps(curve) if depth >= gain else swings
        why += f": a lower rate would gain about {gain:.2g}, {share:.0%} of the fall so far"
        return self._finding(signals, why, share, certainty)

    def _still_jumps(self, curve: Series, bar: float, no_fall: bool) -> bool:
        """Whether the last third of the late part stands above its lowest values, and not smoothly so.

        Of a loss that has come nowhere the whole late part may show it: three values, all that a short run has in its
        last third, tell nothing of smoothness, and such a run is seldom healthy.
        """
        count = max(self.least - 1, round(len(curve) * TENTH / self.late))
        steps, values = curve.steps[-count:], curve.values[-count:]
        above = float(np.median(values) - np.quantile(curve.values, self.quantile))
        bounce = max(end_level(*part)[1] for part in ((steps, values), (curve.steps, curve.values))[: 1 + no_fall])
        return above > self.back * bar and bounce > self.rough * bar

    def _late(self, signals: RunSignals) -> Series:
        """The last part of the losses at fixed weights (a full batch's loss is one), at about the final rate."""
        curve, facts = signals.trace.get("train/loss_eval"), signals.facts
        if not len(curve):
            whole = facts.batch_size is not None and facts.examples is not None and facts.batch_size >= facts.examples
            curve = signals.trace.get("train/loss" if whole else "train/loss_epoch")
        rates = signals.rates
        if not len(curve) or not np.isfinite(rates).all():
            return Series(curve.steps[:0], curve.values[:0])
        other = np.flatnonzero((rates > self.same_rate * rates[-1]) | (rates < rates[-1] / self.same_rate))
        start = max(signals.steps * (1 - self.late), other[-1] + 1 if len(other) else 0)
        count = int((curve.steps >= start).sum())
        if not len(other):
            count = max(count, min(2 * self.least, len(curve) // 2))
        return Series(curve.steps[len(curve) - count :], curve.values[len(curve) - count :])

    def _finding(self, signals: RunSignals, why: str, share: float, certainty: Certainty) -> Finding:
        cosine, ratio = _late_median(signals, "update_cosine"), _late_median(signals, "update_ratio")
        evidence = [Evidence("gain at a lower rate / fall", share, self.depth)]
        if cosine is not None and cosine < -0.1:
            why += f"; successive updates point against each other (cosine {cosine:.2f})"
            evidence.append(Evidence("cosine of successive updates", cosine, 0.0))
        if ratio is not None:
            why += f"; an update still moves the weights by {ratio:.2g} of themselves"
        advice = lower(signals, 10, otherwise="let a schedule bring it down")
        return finding(Verdict.OSCILLATING, why, advice, tuple(evidence), certainty)


def _jumps(curve: Series) -> str:
    low, high = float(curve.values.min()), float(curve.values.max())
    return f"train loss jumps between {low:.4g} and {high:.4g} in the last {len(curve)} evaluations"


def swing(signals: RunSignals, against: float) -> float | None:
    """What SGD gains by ending a swing between two sides of a valley; None where the updates do not swing.

    Between equally high sides the loss does not jump at all. An update that leads from −a to a along curvature λ is as
    long as 2a, the gradient there is λa, and the loss stands λa²/2 = |gradient|·|update|/4 above the bottom. The
    update is
    lr·|gradient|/(1+β) where it turns round at every step with momentum β.
    """
    facts, cosine = signals.facts, _late_median(signals, "update_cosine")
    gradient = _late_median(signals, "grad_norm")
    if (facts.optimizer or "").lower() != "sgd" or cosine is None or cosine > against or gradient is None:
        return None
    return float(signals.rates[-1]) * gradient**2 / (4 * (1 + (facts.momentum or 0.0)))


def _late_median(signals: RunSignals, name: str) -> float | None:
    curve = signals.trace.get(name)
    late = curve.values[curve.steps >= 0.7 * signals.steps]
    late = late[np.isfinite(late)]
    return float(np.median(late)) if len(late) else None
