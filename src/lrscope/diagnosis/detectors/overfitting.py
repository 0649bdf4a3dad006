"""Validation loss that rises while training loss falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.run_signals import RunSignals


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
        val, train = signals.trace.get("val/loss"), signals.trace.get("train/loss_eval")
        if len(train) != len(val):
            train = signals.trace.get("train/loss_epoch")
        if len(val) < 2 or len(train) != len(val) or not signals.fall > self.learned * signals.first:
            return None
        if not (np.isfinite(val.values).all() and np.isfinite(train.values).all()):
            return None
        width = max(1, round(len(val) * self.window))
        means, train_means = _running(val.values, width), _running(train.values, width)
        lowest = int(means.argmin())
        low = float(means[lowest])
        rise = (float(means[-1]) - low) / signals.fall
        fell = train_means[-1] < train_means[lowest] - signals.level.bounce
        if not (rise > self.rise and fell):
            return None
        return self._finding(signals, rise, (low, float(means[-1])), int(val.steps[lowest + width - 1]), width)

    def _finding(self, signals: RunSignals, rise: float, levels: tuple[float, float], step: int, width: int) -> Finding:
        val, (low, last) = signals.trace.get("val/loss"), levels
        best = int(val.steps[val.values.argmin()])
        means = f" (means of {width} evaluations)" if width > 1 else ""
        why = (
            f"val loss rose from {low:.4g} at step {step:,} to {last:.4g}{means}, {rise:.0%} of what the train loss "
            f"came down, while the train loss fell on to {signals.end:.4g}"
        )
        advice = (
            f"take the weights of the lowest val loss (step {best:,}{_epoch(signals, best)}), stop there "
            "(callbacks.early_stopping), or add weight decay, dropout or data"
        )
        return Finding(
            Verdict.OVERFITTING,
            why,
            advice,
            (Evidence("rise of the val loss / fall of the train loss", rise, self.rise),),
        )


def _epoch(signals: RunSignals, step: int) -> str:
    per_epoch = signals.facts.steps_per_epoch
    return f", epoch {-(-(step + 1) // per_epoch):,}" if per_epoch else ""


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


def _running(values: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(values, np.full(width, 1 / width), "valid")
