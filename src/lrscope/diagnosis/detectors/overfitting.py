"""Validation loss that rises while training loss falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrscope.core.verdict import Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.signals.run_signals import RunSignals


@dataclass(frozen=True)
class Overfitting(Detector):
    """The validation loss ends above its minimum, and the training loss below what it was there.

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
        step = int(val.steps[lowest + width - 1])
        return self._finding(signals, rise, low, float(means[-1]), step)

    def _finding(self, signals: RunSignals, rise: float, low: float, last: float, step: int) -> Finding:
        per_epoch = signals.facts.steps_per_epoch
        epoch = f" (epoch {-(-(step + 1) // per_epoch)})" if per_epoch else ""
        why = (
            f"val loss rose from {low:.4g} at step {step:,}{epoch} to {last:.4g}, {rise:.0%} of what the train "
            "loss came down, "
            f"while the train loss fell on to {signals.end:.4g}"
        )
        advice = (
            f"keep the checkpoint of step {step:,}{epoch}, stop there (callbacks.early_stopping), or add weight decay, "
            "dropout or data; another rate alone does not help"
        )
        return Finding(
            Verdict.OVERFITTING,
            why,
            advice,
            (Evidence("rise of the val loss / fall of the train loss", rise, self.rise),),
        )


def _running(values: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(values, np.full(width, 1 / width), "valid")
