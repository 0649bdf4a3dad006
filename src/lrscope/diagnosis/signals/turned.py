"""A validation loss that has turned: it was lower before, and the training loss came down meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrscope.diagnosis.signals.run_signals import RunSignals

FEWEST = 4
"""Evaluations below which a validation loss that rose is not told from one that jumps."""
RISES = 0.02
"""Share of the training loss's fall that a validation loss must have risen by for more training to be of no use."""
BEGUN = 0.05
"""Share of L₀ that the training loss must have come down by: what has hardly begun does not tell."""
EARLY = 0.75
"""Share of the run by whose end it must have been lowest for that."""


@dataclass(frozen=True)
class Turned:
    """Of means over a tenth of the epochs, ``width`` of them: the lowest, the last, and how far it rose as a share of
    the fall of the training loss. lowest_step: where those of the lowest end; best_step: of the single lowest value.
    share_of_run: how much of the run lay behind it there. fell: whether the training loss fell on since.
    """

    low: float
    last: float
    rise: float
    width: int
    lowest_step: int
    best_step: int
    share_of_run: float
    fell: bool

    @property
    def for_good(self) -> bool:
        """Whether more of the same training is of no use for the validation part."""
        return self.fell and self.rise > RISES and self.share_of_run <= EARLY

    def weights(self, steps_per_epoch: int | None) -> str:
        """``take the weights of the lowest val loss (step 47, epoch 4)``."""
        epoch = f", epoch {-(-(self.best_step + 1) // steps_per_epoch):,}" if steps_per_epoch else ""
        return f"take the weights of the lowest val loss (step {self.best_step:,}{epoch})"


def turned(signals: RunSignals, window: float = 0.1, begun: float = BEGUN) -> Turned | None:
    """What became of the validation loss since it was lowest; None where the curves do not tell."""
    val, train = signals.trace.get("val/loss"), signals.trace.get("train/loss_eval")
    if len(train) != len(val):
        train = signals.trace.get("train/loss_epoch")
    if len(val) < 2 or len(train) != len(val) or not signals.fall > begun * signals.first:
        return None
    if not (np.isfinite(val.values).all() and np.isfinite(train.values).all()):
        return None
    width = max(1, round(len(val) * window))
    means, train_means = (np.convolve(curve.values, np.full(width, 1 / width), "valid") for curve in (val, train))
    lowest = int(means.argmin())
    low, last = float(means[lowest]), float(means[-1])
    return Turned(
        low=low,
        last=last,
        rise=(last - low) / signals.fall,
        width=width,
        lowest_step=int(val.steps[lowest + width - 1]),
        best_step=int(val.steps[val.values.argmin()]),
        share_of_run=(lowest + 1) / len(means) if len(val) >= FEWEST else 1.0,
        fell=bool(train_means[-1] < train_means[lowest] - signals.level.bounce),
    )
