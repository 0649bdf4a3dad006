"""Whether a run learned anything: its losses held against those of the best constant answer, on both parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.held_out import HeldOut

HAIR = 0.05
"""Share of what there is to learn, from a constant answer's training loss down to the floor, up to which a network
that helps no other example has learned nothing; from there on it has memorised its examples."""
BY_NOISE = 3.0
"""The same, in multiples of what fitting so many parameters to noise gains: p/n of a variance, p/2n nats."""
CLEARLY = 0.1
"""Share from which what helps no other example was memorised, however few of the others were looked at."""
HOPELESS = 0.9
"""Share of a constant answer's loss that no answer gets below: then the inputs hardly tell the targets."""


@dataclass(frozen=True)
class Learned:
    """``end``: the training loss at the end. ``constant``, ``floor``: what a constant answer has there, and what no
    answer gets below. ``accuracy``: share of the training examples that are answered right. None: not known.
    ``generalises``: whether the validation part was ever answered better than by a constant answer, or is on its way
    there; None too where chance may have decided that (``by_chance``). ``no_better``: whether at the end that part was
    known to be answered no better than by a constant answer. ``hair``: the share of what there is to learn that is next
    to nothing.
    """

    end: float
    constant: float | None
    floor: float
    accuracy: float | None
    largest_share: float | None
    generalises: bool | None
    by_chance: bool = False
    no_better: bool = False
    hair: float = HAIR

    @classmethod
    def of(cls, trace: Trace, first: float, end: float, constant: float | None) -> Learned:
        """``first``, ``end``: the training loss before the first update and at the end."""
        share, accuracy = max(trace.facts.class_shares, default=None), trace.get("train/acc").values
        floor = floor_of(trace.facts, constant)
        known = float(accuracy[-1]) if len(accuracy) else None
        alone = cls(end, constant, floor, known, share, None)
        held_out, hair = HeldOut.of(trace, first - end, floor, share), _hair(trace.facts, alone.room, constant)
        if held_out is None:
            return alone
        holds, by_chance = held_out.holds(alone.below if hair <= alone.below < CLEARLY else None)
        return replace(alone, generalises=holds, by_chance=by_chance, no_better=held_out.no_better, hair=hair)

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
        return self.above_chance or self._low

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
        return self.generalises is False and self.below < self.hair

    @property
    def memorised(self) -> bool:
        """Whether it knows its training examples, and nothing that holds for any other."""
        return self.generalises is False and self.below >= self.hair

    @property
    def unproven(self) -> bool:
        """Whether the training loss is hardly lower than a constant answer's, or not at all, and the validation part
        was answered no better either.
        """
        return self.no_better and self.constant is not None and not self._low

    @property
    def _low(self) -> bool:
        return self.constant is not None and self.end < self.constant - (1 - chance.BEATEN) * self.room

    @property
    def below(self) -> float:
        """How far below a constant answer the training loss is, as a share of the room."""
        return (self.constant - self.end) / self.room if self.constant is not None and self.room > 0 else math.nan


def floor_of(facts: RunFacts, constant: float | None) -> float:
    """The loss below which no answer gets; 0 where it is not known, and where the labels leave hardly anything to learn
    above it.
    """
    floor = facts.floor_loss or 0.0
    highest = (1.0 if facts.floor_of == "loss" else HOPELESS) * (constant or 0.0)
    return floor if floor < highest else 0.0


def _hair(facts: RunFacts, room: float, constant: float | None) -> float:
    """Share of what there is to learn that is next to nothing."""
    if not (facts.parameters and facts.examples and constant and room > 0):
        return HAIR
    gained = constant if facts.task == "regression" else 0.5
    return min(HAIR, BY_NOISE * facts.parameters / facts.examples * gained / room)
