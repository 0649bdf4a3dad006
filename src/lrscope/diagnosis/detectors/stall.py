"""No progress although gradients flow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import Advice, finding
from lrscope.diagnosis.signals.run_signals import RunSignals


@dataclass(frozen=True)
class Stalled(Detector):
    """The loss has levelled off far above what the other members reach; or, for a run alone, where it began; or, of
    any run, no lower than a constant answer's.

    Beside other members a run that stands so far above them and is not known to have levelled off is too slow: see
    :class:`TooSlow`.

    reached: share of the best member's way down, L₀ − L_best, below which a run that no longer falls has stalled.
        Source: the labelling rules in benchmarks/README.md. alone, improved: without other members, the loss must stand
        above this multiple of what a constant answer has, and not have come down by this share of L₀.
    """

    verdict: ClassVar = Verdict.STALLED
    reached: float = 0.5
    alone: float = 0.98
    improved: float = 0.1

    def find(self, signals: RunSignals) -> Finding | None:
        if signals.falls_again:
            return None
        if signals.learned_nothing:
            return self._nothing_learned(signals) if signals.levelled_off else None
        if (best := signals.best) is not None:
            reached = reached_of(signals, best)
            if not reached < self.reached or not signals.levelled_off:
                return None
            why = (
                f"train loss levelled off at {signals.end:.4g} after a fall of {signals.fall:.3g} from "
                f"{signals.first:.4g}: "
                f"{max(0.0, reached):.0%} of the way that another member of the sweep came (to "
                f"{best:.4g}){_gradient(signals)}"
            )
            evidence = Evidence("share of the best member's way", reached, self.reached)
            return finding(Verdict.STALLED, why, _advice(signals), (evidence,))
        return self._alone(signals)

    def _nothing_learned(self, signals: RunSignals) -> Finding:
        constant = signals.constant_loss or 0.0
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g} and no longer falls: no better than a "
            f"constant answer ({constant:.4g}), it has learned nothing of the inputs{_gradient(signals)}"
        )
        bound = Evidence("train loss at the end", signals.end, constant)
        return finding(Verdict.STALLED, why, _advice(signals), (bound,))

    def _alone(self, signals: RunSignals) -> Finding | None:
        constant = signals.constant_loss
        came_down = signals.fall > self.improved * signals.first
        if constant is None:
            bar, stuck = signals.first, signals.fall <= 0
        else:
            bar = self.alone * constant
            stuck = signals.end >= bar and not came_down
        if not stuck:
            return None
        level = f", no better than a constant answer ({constant:.4g})" if constant is not None else ""
        certainty: Certainty = "weak" if signals.fall > signals.level.first_error else "strong"
        if certainty == "weak" and signals.ahead.again is not None:
            return None  # it came down and goes no further: of such runs nearly all are as good as the data allows
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}{level} and no longer "
            f"falls{_gradient(signals)}"
            + ("; alone it cannot be told from data that cannot be learned" if certainty == "weak" else "")
        )
        bound = Evidence("train loss at the end", signals.end, bar)
        return finding(Verdict.STALLED, why, _advice(signals), (bound,), certainty)


def reached_of(signals: RunSignals, best: float) -> float:
    """Share of the best member's way down that the run has come."""
    way = signals.first - best
    return signals.fall / way if way > 0 else 1.0


def _gradient(signals: RunSignals) -> str:
    norm = signals.last("grad_norm")
    return (
        f"; the gradient norm is {norm:.2g}, so it is not for want of a gradient"
        if norm and math.isfinite(norm)
        else ""
    )


def _advice(signals: RunSignals) -> Advice:
    rates, key = signals.rates, signals.facts.rate_key
    peak = signals.set_rate or (float(rates.max()) if len(rates) else math.nan)
    if len(rates) and rates[-1] < 0.1 * rates.max():
        longer = "a schedule that keeps the rate up longer"
        return Advice(
            f"try {key} between {peak / 10:.2g} and {peak * 10:.2g}, or {longer}", peak / 10, f"take {longer}"
        )
    words = "a rate that no longer brings progress is more often too high than too low"
    return Advice(f"try {key}={peak / 10:.2g} first: {words}", peak / 10)
