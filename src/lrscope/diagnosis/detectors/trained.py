"""A loss that improved and levelled off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.losses_told import told
from lrscope.diagnosis.detectors.oscillation import Oscillating
from lrscope.diagnosis.detectors.rate_advice import Advice, finding
from lrscope.diagnosis.signals import chance
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
        fell = "fell" if signals.fall > 0 else "went"
        first, last = told(signals.first, signals.end)
        why = f"train loss {fell} from {first} to {last} and levelled off"
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
        if constant is not None and not signals.learned.beats_constant:
            certainty = "weak"
            better = "hardly better than" if signals.end < constant else "by loss no better than"
            why += f", {better} a constant answer ({constant:.4g})"
        elif constant is None and signals.facts.loss is not None and signals.facts.task is None:
            certainty = "weak"  # of a LightningModule that computes a loss of its own
            why += "; what a constant answer would come to is not known of its loss"
        elif certainty == "weak":
            border = (
                "close to the border of too slow" if share >= self.unsure else "hardly more than the batches' noise"
            )
            why += "" if again is not None and share < self.unsure else f" ({border})"
        words = "keep this rate, or compare it with its neighbours"
        if signals.learned.by_chance or signals.learned.no_better:
            certainty, words = "weak", "see whether the inputs tell the targets, on more validation examples"
            why += _by_chance(signals) if signals.learned.by_chance else _ended_no_better(signals)
        if Oscillating().in_doubt(signals):
            certainty = "weak"
            why += "; whether a lower rate would gain, copies in two orders of the data disagree"
        evidence = (Evidence("fall in as many steps again / fall so far", share, 0.05),)
        return finding(Verdict.TRAINED, why, Advice(words, signals.set_rate), evidence, certainty)


def _by_chance(signals: RunSignals) -> str:
    lowest, constant = signals.trace.get("val/loss").values.min(), chance.val_constant_loss(signals.trace) or 0.0
    examples = f"{signals.facts.val_examples:,} examples"
    if lowest < constant:
        return (
            f"; the val loss came to {lowest:.4g}, below a constant answer's ({constant:.4g}) by no more than chance "
            f"brings on {examples}"
        )
    return (
        f"; the val loss came to {lowest:.4g} at its lowest, no better than a constant answer's ({constant:.4g}): so "
        f"much chance brings on {examples}, and nothing shows that what was learned holds for others"
    )


def _ended_no_better(signals: RunSignals) -> str:
    last, constant = signals.trace.get("val/loss").values[-1], chance.val_constant_loss(signals.trace)
    return f"; the val loss ended at {last:.4g}, no better than a constant answer's ({constant:.4g})"
