"""A loss that improved and levelled off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import Advice, finding
from lrscope.diagnosis.signals.run_signals import MEASURED_FALLING, RunSignals


@dataclass(frozen=True)
class Trained(Detector):
    """What is left when nothing else fits: the loss came down and no longer falls.

    unsure: share of the fall that as many steps again would bring, from which the finding is weak.
    """

    verdict: ClassVar = Verdict.TRAINED
    unsure: float = 0.033

    def find(self, signals: RunSignals) -> Finding:
        share = signals.forecast.again / signals.fall if signals.fall else math.nan
        certainty: Certainty = "strong" if signals.fall > signals.level.first_error and share < self.unsure else "weak"
        accuracy = signals.last("val/acc")
        accuracy = signals.last("train/acc") if accuracy is None else accuracy
        why = f"train loss fell from {signals.first:.4g} to {signals.end:.4g} and levelled off"
        if accuracy is not None:
            why += f", accuracy {accuracy:.3f}"
        again = signals.ahead.again
        if again is not None:
            rose = again > signals.end + max(signals.level.bounce, MEASURED_FALLING * abs(signals.fall))
            certainty = "weak" if rose else certainty
            where = ("up " if rose else "") + (f"to {again:.4g}" if math.isfinite(again) else "beyond all bounds")
            why += f"; {signals.steps:,} more steps, on a copy, took it {where}"
        elif math.isfinite(share) and share > 0.01:
            why += f"; as many steps again would bring about {share:.0%} more of the fall"
        constant = signals.constant_loss
        if constant is not None and not signals.beats_constant:
            certainty = "weak"
            why += f", hardly better than a constant answer ({constant:.4g})"
        elif certainty == "weak":
            border = (
                "close to the border of too slow" if share >= self.unsure else "hardly more than the batches' noise"
            )
            why += "" if again is not None and share < self.unsure else f" ({border})"
        evidence = (Evidence("fall in as many steps again / fall so far", share, 0.05),)
        advice = Advice("keep this rate, or compare it with its neighbours", signals.set_rate)
        return finding(Verdict.TRAINED, why, advice, evidence, certainty)
