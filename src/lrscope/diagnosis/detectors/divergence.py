"""Loss that is not finite, or has grown without bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series
from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import Advice, finding, lower
from lrscope.diagnosis.signals.run_signals import RunSignals

CERTAIN_GROWTH = 1e6
"""A single loss so many times above the first one ends a run: what might come back from it is not worth waiting for."""
SMALLEST_LOSS = 1e-3
"""A first loss counts as at least this, so that a run that starts at a minimum is not stopped by a ripple."""


def is_diverged(loss: float, first_loss: float, growth: float = CERTAIN_GROWTH) -> bool:
    """Whether one loss already settles that the run has diverged: cheap enough for every step.

    True where ``loss`` is nan or infinite, or above ``growth`` times the first loss (at least ``SMALLEST_LOSS``).
    """
    return not math.isfinite(loss) or loss > growth * max(abs(first_loss), SMALLEST_LOSS)


@dataclass(frozen=True)
class Diverged(Detector):
    """The loss is not finite, or has grown without bound.

    growth: training loss at the end, in multiples of the larger of L₀ and the loss of a constant answer, above which it
        has grown without bound. rising: multiple above which a loss that is *still* growing so fast that it would pass
        ``growth`` within as many steps again has diverged too. Source: the labelling rules in benchmarks/README.md.
    """

    verdict: ClassVar = Verdict.DIVERGED
    growth: float = 100.0
    rising: float = 2.0

    def find(self, signals: RunSignals) -> Finding | None:
        for name in ("train/loss", "train/loss_eval", "train/loss_epoch"):
            curve = signals.trace.get(name)
            broken = np.flatnonzero(~np.isfinite(curve.values) | (np.abs(curve.values) > 1e300))
            if len(broken):
                return self._not_finite(signals, curve, broken)
        batches = signals.trace.get("train/loss")
        if len(batches) and is_diverged(float(batches.values[-1]), float(batches.values[0])):
            return self._beyond_bounds(signals, batches)
        reference = max(signals.first, signals.constant_loss or 0.0, SMALLEST_LOSS)
        growth = signals.end / reference
        if growth > self.growth or (growth > self.rising and self._runs_away(signals, growth)):
            return self._grown(signals, growth)
        return None

    def _runs_away(self, signals: RunSignals, growth: float) -> bool:
        """Whether the loss rose steadily over the second half, at a pace that takes it past ``growth``; whether as many
        steps again took it past that and 10% more took it up, where they were tried.
        """
        ahead = signals.ahead
        if ahead.again is not None and ahead.same is not None:
            past = ahead.again >= self.growth * signals.end / growth
            return past and not ahead.same < signals.end + signals.level.bounce
        at, loss = signals.level.at, signals.level.loss
        half = at >= 0.5
        if half.sum() < 3 or (loss[half] <= 0).any():
            return False
        logs = np.log(loss[half])
        rises = np.diff(logs)
        pace = (logs[-1] - logs[0]) / (at[half][-1] - at[half][0] + 1e-12)
        return bool((rises > 0).mean() > 0.7 and growth * math.exp(min(pace, 700.0)) > self.growth)

    def _not_finite(self, signals: RunSignals, curve: Series, broken: NDArray[np.int64]) -> Finding:
        first = int(broken[0])
        step, value, before = int(curve.steps[first]), float(curve.values[first]), curve.values[:first]
        peak = f"; it was at most {before.max():.4g} before" if len(before) else ""
        word = "not a number" if math.isnan(value) else "infinite"
        lasts = "since" if len(broken) == len(curve) - first else "at"
        why = f"train loss {'is' if lasts == 'since' else 'was'} {word} {lasts} step {step:,}{peak}"
        return finding(
            Verdict.DIVERGED, why, _lower(signals), (Evidence("step of the first loss that is not finite", step),)
        )

    def _beyond_bounds(self, signals: RunSignals, batches: Series) -> Finding:
        """One batch's loss that settles it: such a run is ended there."""
        first, last = float(batches.values[0]), float(batches.values[-1])
        why = f"train loss of a batch grew from {first:.4g} to {last:.4g} at step {int(batches.steps[-1]):,}"
        evidence = Evidence("growth of the loss", last / max(abs(first), SMALLEST_LOSS), CERTAIN_GROWTH, "×")
        return finding(Verdict.DIVERGED, why, _lower(signals), (evidence,))

    def _grown(self, signals: RunSignals, growth: float) -> Finding:
        last, constant = signals.end, signals.constant_loss or 0.0
        bar, of = (constant, " what a constant answer has") if constant > signals.first else (signals.first, "")
        times = f", {last / bar:.3g}×{of}" if bar > 0 else ""
        why = f"train loss grew from {signals.first:.4g} to {last:.4g}{times}"
        return finding(
            Verdict.DIVERGED, why, _lower(signals), (Evidence("growth of the loss", growth, self.growth, "×"),)
        )


def _lower(signals: RunSignals) -> Advice:
    """How far to lower the rate: as far as the loss's pace asks for, at least 3×, at most 1,000×."""
    losses = signals.losses.values
    finite = losses[np.isfinite(losses) & (losses > 0)]
    per_step = 1.0
    if len(finite) > 1:
        rise = np.log(finite[int(finite.argmax())] / finite[0])
        per_step = math.exp(min(rise / max(1, int(finite.argmax())) / 2, 20.0))
    factor = float(np.clip(_nice(1 + per_step), 3, 1000))
    return lower(signals, factor, at_least=True)


def _nice(factor: float) -> float:
    """The next larger of 1, 2, 3, 5, 10, 20 …"""
    scale = 10.0 ** math.floor(math.log10(factor))
    return next(step * scale for step in (1, 2, 3, 5, 10) if step * scale >= factor * 0.999)
