"""Validation loss that rises while training loss falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.signals.turned import turned


@dataclass(frozen=True)
class Overfitting(Detector):
    """The validation loss ends above its minimum, and the training loss below what it was there; or it never was better
    than a constant answer's, and the training loss is.

    rise: by how much of the training loss's fall, L₀ − L_end, the validation loss must have risen. window: both are
    means
        over this share of the epochs. learned: the training loss must have come down by this share of L₀.
        Source: the labelling rules in benchmarks/README.md.
    """

    verdict: ClassVar = Verdict.OVERFITTING
    rise: float = 0.05
    window: float = 0.1
    learned: float = 0.05

    def find(self, signals: RunSignals) -> Finding | None:
        return _memorised(signals) if signals.learned.memorised else self._risen(signals)

    def _risen(self, signals: RunSignals) -> Finding | None:
        turn = turned(signals, self.window, self.learned)
        if turn is None or not (turn.rise > self.rise and turn.fell):
            return None
        means = f" (means of {turn.width} evaluations)" if turn.width > 1 else ""
        why = (
            f"val loss rose from {turn.low:.4g} at step {turn.lowest_step:,} to {turn.last:.4g}{means}, "
            f"{turn.rise:.0%} of what the train loss came down, while the train loss fell on to {signals.end:.4g}"
        )
        advice = (
            f"{turn.weights(signals.facts.steps_per_epoch)}, stop there (callbacks.early_stopping), or add weight "
            "decay, dropout or data"
        )
        evidence = Evidence("rise of the val loss / fall of the train loss", turn.rise, self.rise)
        return Finding(Verdict.OVERFITTING, why, advice, (evidence,))


def _memorised(signals: RunSignals) -> Finding:
    """It knows its training examples, and nothing that holds for others."""
    lowest, constant = float(signals.trace.get("val/loss").values.min()), chance.val_constant_loss(signals.trace)
    assert constant is not None
    came = "was never better than" if lowest >= constant else f"came to {lowest:.4g} at its lowest, hardly better than"
    why = (
        f"train loss went from {signals.first:.4g} to {signals.end:.4g}, below what a constant answer has "
        f"({signals.constant_loss:.4g}), while the val loss {came} such an answer's ({constant:.4g}): the network "
        "memorises its training examples, and nothing of that holds for others"
    )
    advice = (
        "see whether the inputs tell the targets at all; then a smaller network, weight decay, dropout or more data"
    )
    return Finding(Verdict.OVERFITTING, why, advice, (Evidence("lowest val loss", lowest, constant),))
