"""What the validation part says of what was learned: its losses and accuracies beside a constant answer's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Trace
from lrscope.diagnosis.signals import chance

Floats = NDArray[np.float64]

WINDOW = 0.1
"""A validation curve is looked at as means over this share of its points: a single low one is luck."""
ON_ITS_WAY = 0.1
"""Share of what lacks to beat a constant answer that the second half of the run must bring for the validation loss to
count as falling still."""
STANDS, FOLLOWS = 0.01, 0.5
"""So does one that falls by this share (the second) of what the training loss falls in that half, unless that is no
more than this share (the first) of all it fell."""
FEWEST = 20
"""Validation examples below which they say nothing of the others."""
SURELY = 1 - chance.BEATEN
"""Share of what there is to learn that a loss must come below a constant answer's."""
DEVIATIONS = 2.0
"""So many standard deviations of a guess an accuracy must pass the share of the largest class by; and by so many times
1/√n of what there is to learn a loss must pass a constant answer's on n validation examples: what noise brings."""


@dataclass(frozen=True)
class HeldOut:
    """How the validation part was answered, beside a constant answer.

    below: how far its lowest loss came below a constant answer's, as a share of what there is to learn. luck: what
    chance brings of that on so many examples. guesses_better: whether more were ever answered right than the largest
    class has. falling: whether the loss was on its way below at the end; None where it
    is not known. no_better: whether at the end neither its loss
    nor its accuracy was better than a constant answer's.
    """

    below: float
    luck: float
    guesses_better: bool
    falling: bool | None
    no_better: bool

    @classmethod
    def of(cls, trace: Trace, fall: float, floor: float, share: float | None) -> HeldOut | None:
        """None where it is not known. ``fall``: of the training loss, over the run; ``share``: of the largest class."""
        val, constant = trace.get("val/loss").values, chance.val_constant_loss(trace)
        if constant is None or not constant > floor or not len(val) or not np.isfinite(val).all():
            return None
        count = trace.facts.val_examples
        if count and count < FEWEST:
            return None
        room, means, accuracy = constant - floor, windowed(val), trace.get("val/acc").values
        at_end = len(accuracy) and share is not None and windowed(accuracy)[-1] > share
        return cls(
            below=(constant - float(means.min())) / room,
            luck=DEVIATIONS / math.sqrt(count) if count else 0.0,
            guesses_better=_guesses_better(accuracy, share, count),
            falling=_falls(trace, means, fall, constant - SURELY * room),
            no_better=bool(means[-1] >= constant and not at_end),
        )

    def holds(self, gain: float | None = None) -> tuple[bool | None, bool]:
        """Whether what was learned holds for these examples, or is about to. None: it cannot be told; the second says
        whether chance may have decided.

        gain: how far the training loss came below a constant answer's, as a share of what there is to learn, where that
            much may lie within luck on the validation part.
        """
        if self.below > max(SURELY, self.luck) or self.guesses_better:
            return True, False
        near = gain is not None and self.below > gain - self.luck and not self.falling
        if self.below > SURELY or near:
            return None, True
        return self.falling, False


def _falls(trace: Trace, means: Floats, fall: float, bar: float) -> bool | None:
    """Whether the second half of the run brought the validation loss on, towards ``bar`` or as the training loss; None
    where too few evaluations tell.
    """
    train = trace.get("train/loss_eval").values
    if len(train) != len(trace.get("val/loss").values) or len(means) < 2:
        return None
    half = (len(means) - 1) // 2
    val_gain, gain = means[half] - means[-1], windowed(train)[half] - windowed(train)[-1]
    follows = gain > STANDS * abs(fall) and val_gain > FOLLOWS * gain
    return bool(follows or val_gain > ON_ITS_WAY * (means[-1] - bar))


def _guesses_better(accuracy: Floats, share: float | None, count: int | None) -> bool:
    if not len(accuracy) or share is None:
        return False
    luck = DEVIATIONS * math.sqrt(share * (1 - share) / count) if count else 0.0
    return bool(windowed(accuracy).max() > share + max(chance.ABOVE_CHANCE, luck))


def windowed(values: Floats) -> Floats:
    """Running means over ``WINDOW`` of the values."""
    width = max(1, round(len(values) * WINDOW))
    return np.convolve(values, np.full(width, 1 / width), "valid")
