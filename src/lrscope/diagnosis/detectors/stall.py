"""No progress although gradients flow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import Advice, finding
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.fall_shown import fall_shown
from lrscope.diagnosis.signals.run_signals import RunSignals

NO_GRADIENT = 1e-3
"""Share of the first gradient's norm below which hardly a gradient is left."""


@dataclass(frozen=True)
class Stalled(Detector):
    """The loss has levelled off far above what the other members reach; or, for a run alone, where it began; or, of
    any run, no lower than a constant answer's.

    Beside other members a run that stands so far above them and is not known to have levelled off is too slow: see
    :class:`TooSlow`.

    reached: share of the best member's way down, L₀ − L_best, below which a run that no longer falls has stalled.
        Source: the labelling rules in benchmarks/README.md. alone, improved: without other members, the loss must stand
        above this multiple of what a constant answer has, and not have come down by this share of L₀; both from the
        floor on.
    """

    verdict: ClassVar = Verdict.STALLED
    reached: float = 0.5
    alone: float = 0.98
    improved: float = 0.1

    def find(self, signals: RunSignals) -> Finding | None:
        if signals.falls_again:
            return None
        if signals.learned.nothing and not signals.nothing_to_come:
            return None
        if signals.learned.only_a_hair:
            return self._holds_for_no_other(signals)
        if signals.learned.nothing:
            return self._nothing_learned(signals)
        if (best := signals.best) is not None:
            reached = reached_of(signals, best)
            if not reached < self.reached or not signals.levelled_off:
                return None
            why = (
                f"train loss levelled off at {signals.end:.4g}, from {signals.first:.4g}: {share_of_way(reached)} of "
                f"the way that another member of the sweep came (to {best:.4g}){_gradient(signals)}"
            )
            evidence = Evidence("share of the best member's way", reached, self.reached)
            return finding(Verdict.STALLED, why, another_rate(signals), (evidence,))
        return self._alone(signals)

    def _nothing_learned(self, signals: RunSignals) -> Finding:
        constant = signals.constant_loss or 0.0
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g} and no longer falls: "
            f"{'hardly' if signals.end < constant else 'no'} better than a constant answer ({constant:.4g}), it has "
            f"learned nothing of the inputs{_gradient(signals)}"
        )
        bound = Evidence("train loss at the end", signals.end, constant)
        return finding(Verdict.STALLED, why, another_rate(signals), (bound,))

    def _holds_for_no_other(self, signals: RunSignals) -> Finding:
        constant, val = signals.constant_loss or 0.0, chance.val_constant_loss(signals.trace) or 0.0
        lowest, beside = float(signals.trace.get("val/loss").values.min()), signals.end < constant
        came = "was never better than" if lowest >= val else f"came to {lowest:.4g} at its lowest, hardly better than"
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}, {'hardly' if beside else 'no'} better "
            f"than a constant answer ({constant:.4g}), and the val loss {came} such an answer's ({val:.4g}): it has "
            "learned nothing that holds for other examples"
        )
        evidence = (
            Evidence("train loss at the end", signals.end, constant), Evidence("lowest val loss", lowest, val),
        )  # fmt: skip
        advice, more = another_rate(signals), "see whether the inputs tell the targets at all"
        otherwise = f"{advice.otherwise}, or {more}" if advice.otherwise else more
        told = replace(advice, words=f"{advice.words}; where no rate does better, {more}", otherwise=otherwise)
        return finding(Verdict.STALLED, why, told, evidence)

    def _alone(self, signals: RunSignals) -> Finding | None:
        constant, flat = signals.constant_loss, False
        came_down = signals.fall > self.improved * (signals.first - signals.learned.floor)
        if constant is None:
            # Where the start is a guess from noisy batches, not to have come below it says nothing yet.
            bar, stuck = signals.first, signals.fall <= 0 and not signals.drowned
            flat = signals.levelled_off and not signals.level.exact and not fall_shown(signals.losses.values)
            stuck = stuck or flat
        else:
            bar = constant - (1 - self.alone) * signals.learned.room
            stuck = signals.end >= bar and not came_down
        if not stuck:
            return None
        better = "hardly" if constant is not None and signals.end < constant else "no"
        level = f", {better} better than a constant answer ({constant:.4g})" if constant is not None else ""
        certainty: Certainty = "weak" if signals.fall > signals.level.first_error or flat else "strong"
        if certainty == "weak" and signals.ahead.again is not None:
            return None  # it came down and goes no further: of such runs nearly all are as good as the data allows
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}{level} and no longer "
            f"falls{_gradient(signals)}"
            + ("; alone it cannot be told from data that cannot be learned" if certainty == "weak" else "")
        )
        bound = Evidence("train loss at the end", signals.end, bar)
        return finding(Verdict.STALLED, why, another_rate(signals), (bound,), certainty)


def reached_of(signals: RunSignals, best: float) -> float:
    """Share of the best member's way down that the run has come."""
    way = signals.first - best
    return signals.fall / way if way > 0 else 1.0


def share_of_way(reached: float) -> str:
    return f"{reached:.0%}" if reached > 0 else "nothing"


def _gradient(signals: RunSignals) -> str:
    """Whether there is a gradient to go by: the last measured norm beside the first."""
    norms = signals.trace.get("grad_norm").values
    norms = norms[np.isfinite(norms)]
    if len(norms) < 2 or not norms[0] > 0:
        return ""
    share = float(norms[-1] / norms[0])
    if share < NO_GRADIENT:
        return f"; hardly a gradient is left: its norm is {norms[-1]:.2g}, of {norms[0]:.2g} at the first step"
    return f"; the gradient norm is {norms[-1]:.2g} ({norms[0]:.2g} at the first step), so there is a gradient to go by"


def another_rate(signals: RunSignals) -> Advice:
    """Of a run that goes no further."""
    rates, key = signals.rates, signals.facts.rate_key
    peak = signals.set_rate or (float(rates.max()) if len(rates) else math.nan)
    if len(rates) and rates[-1] < 0.1 * rates.max():
        longer = "a schedule that keeps the rate up longer"
        return Advice(
            f"try {key} between {peak / 10:.2g} and {peak * 10:.2g}, or {longer}", peak / 10, f"take {longer}"
        )
    words = "a rate that no longer brings progress is more often too high than too low"
    if not math.isfinite(peak):
        return Advice(f"try {key} 10× lower first: {words}")
    return Advice(f"try {key}={peak / 10:.2g} first: {words}", peak / 10)
