"""Whether a run learned anything: its losses held against those of the best constant answer, on both parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.diagnosis.signals import chance

Floats = NDArray[np.float64]

HAIR = 0.1
"""Share of what there is to learn, from a constant answer's training loss down to the floor, up to which a network
that helps no other example has learned nothing; from there on it has memorised its examples."""
WINDOW = 0.1
"""A validation curve is looked at as means over this share of its points: a single low one is luck."""
ON_ITS_WAY = 0.1
"""Share of what lacks to beat a constant answer that the second half of the run must bring for the validation loss to
count as falling still."""
STANDS, FOLLOWS = 0.01, 0.5
"""So does one that falls by this share (the second) of what the training loss falls in that half, unless that is no
more than this share (the first) of all it fell."""
HOPELESS = 0.9
"""Share of a constant answer's loss that no answer gets below: then the inputs hardly tell the targets."""
FEWEST = 20
"""Validation examples below which they say nothing of the others."""
DEVIATIONS = 2.0
"""So many standard deviations of a guess an accuracy must pass the share of the largest class by; and by so many times
1/√n of what there is to learn a loss must pass a constant answer's on n validation examples: what noise brings."""


@dataclass(frozen=True)
class Learned:
    """``end``: the training loss at the end. ``constant``, ``floor``: what a constant answer has there, and what no
    answer gets below. ``accuracy``: share of the training examples that are answered right. None: not known.
    ``generalises``: whether the validation part was ever answered better than by a constant answer, or is on its way
    there; None too where it was better by no more than chance brings (``by_chance``).
    """

    end: float
    constant: float | None
    floor: float
    accuracy: float | None
    largest_share: float | None
    generalises: bool | None
    by_chance: bool = False

    @classmethod
    def of(cls, trace: Trace, first: float, end: float, constant: float | None) -> Learned:
        """``first``, ``end``: the training loss before the first update and at the end."""
        share, accuracy = max(trace.facts.class_shares, default=None), trace.get("train/acc").values
        floor = floor_of(trace.facts, constant)
        known = float(accuracy[-1]) if len(accuracy) else None
        return cls(end, constant, floor, known, share, *_generalises(trace, first - end, floor, share))

    @property
    def room(self) -> float:
        """What there is to learn: from the constant answer's loss down to the floor."""
        return (self.constant or 0.0) - self.floor

    @property
    def above_chance(self) -> bool:
        """Whether more training examples are answered right than the largest class has."""
        known = self.accuracy is not None and self.largest_share is not None
        return known and self.accuracy > self.largest_share + chance.ABOVE_CHANCE  # type: ignore[operator]

    @property
    def beats_constant(self) -> bool:
        """Whether the run ended better than a constant answer, by loss or by accuracy; False where it is not known."""
        if self.only_a_hair:
            return False
        low = self.constant is not None and self.end < self.constant - (1 - chance.BEATEN) * self.room
        return self.above_chance or low

    @property
    def nothing(self) -> bool:
        """Whether the run is known to end no better than a constant answer, not even by the bit that is little."""
        if self.constant is None or not self.constant > 0:
            return False
        above = self.end >= self.constant - (1 - chance.NOTHING) * self.room
        return self.only_a_hair or (above and not self.above_chance)

    @property
    def only_a_hair(self) -> bool:
        """Whether what it does better on the training examples is little, and holds for no other."""
        return self.generalises is False and self._below() < HAIR

    @property
    def memorised(self) -> bool:
        """Whether it knows its training examples, and nothing that holds for any other."""
        return self.generalises is False and self._below() >= HAIR

    def _below(self) -> float:
        """How far below a constant answer the training loss is, as a share of the room."""
        return (self.constant - self.end) / self.room if self.constant is not None and self.room > 0 else math.nan


def floor_of(facts: RunFacts, constant: float | None) -> float:
    """The loss below which no answer gets; 0 where it is not known, and where the labels leave hardly anything to learn
    above it.
    """
    floor = facts.floor_loss or 0.0
    highest = (1.0 if facts.floor_of == "loss" else HOPELESS) * (constant or 0.0)
    return floor if floor < highest else 0.0


def _generalises(trace: Trace, fall: float, floor: float, share: float | None) -> tuple[bool | None, bool]:
    val = trace.get("val/loss").values
    constant = chance.val_constant_loss(trace)
    if constant is None or not constant > floor or not len(val) or not np.isfinite(val).all():
        return None, False
    means, count = windowed(val), trace.facts.val_examples
    if count and count < FEWEST:
        return None, False
    share_below = (constant - float(means.min())) / (constant - floor)
    luck = DEVIATIONS / math.sqrt(count) if count else 0.0
    if share_below > max(1 - chance.BEATEN, luck) or _guesses_better(trace, share):
        return True, False
    if share_below > 1 - chance.BEATEN:
        return None, True
    train = trace.get("train/loss_eval").values
    if len(train) != len(val) or len(means) < 2:
        return None, False
    bar = constant - (1 - chance.BEATEN) * (constant - floor)
    half = len(means) // 2
    val_gain, gain = means[half] - means[-1], windowed(train)[half] - windowed(train)[-1]
    follows = gain > STANDS * abs(fall) and val_gain > FOLLOWS * gain
    return bool(follows or val_gain > ON_ITS_WAY * (means[-1] - bar)), False


def _guesses_better(trace: Trace, share: float | None) -> bool:
    accuracy, count = trace.get("val/acc").values, trace.facts.val_examples
    if not len(accuracy) or share is None:
        return False
    luck = DEVIATIONS * math.sqrt(share * (1 - share) / count) if count else 0.0
    return bool(windowed(accuracy).max() > share + max(chance.ABOVE_CHANCE, luck))


def windowed(values: Floats) -> Floats:
    """Running means over ``WINDOW`` of the values."""
    width = max(1, round(len(values) * WINDOW))
    return np.convolve(values, np.full(width, 1 / width), "valid")
