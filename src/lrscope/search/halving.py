"""Who goes on at a rung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrscope.search.forecast import forecast
from lrscope.search.rungs import Rung


@dataclass(frozen=True)
class Curve:
    """One member's loss so far: ahead of the first update, and at each evaluation.

    ``ended``: it trains no further, its latest loss is what it comes to. ``failed``: its loss says nothing.
    """

    start: float = math.nan
    losses: Sequence[float] = ()
    ended: bool = False
    failed: bool = False

    def worth(self, evaluations: int, judge: str) -> float:
        """What it is judged by: what it is forecast to come to after so many evaluations, or its loss ``now``."""
        if not self.losses or self.failed:
            return math.inf
        if judge == "now" or self.ended:
            return self.losses[-1]
        return forecast(self.start, self.losses, evaluations)


@dataclass(frozen=True)
class Standing:
    """A trial at a rung: the share of its seeds that failed, and the mean of what the others are judged by."""

    trial: str
    failed: float
    loss: float


def standings(trials: Mapping[str, Sequence[Curve]], evaluations: int, judge: str) -> list[Standing]:
    """The trials from the best to the worst: those that failed for the fewest seeds first, among these by their loss.

    Args:
        trials: the members of each, one a seed.
        evaluations: of a whole run.
        judge: ``forecast`` or ``now``.
    """
    found = [_standing(trial, [curve.worth(evaluations, judge) for curve in own]) for trial, own in trials.items()]
    return sorted(found, key=lambda standing: (standing.failed, standing.loss))


def leaving(ranked: Sequence[str], rung: Rung) -> dict[str, int]:
    """Of trials from the best to the worst those that do not go on, with their place from 1."""
    return {trial: place for place, trial in enumerate(ranked, start=1) if place > rung.kept}


def _standing(trial: str, losses: Sequence[float]) -> Standing:
    finite = [loss for loss in losses if math.isfinite(loss)]
    mean = sum(finite) / len(finite) if finite else math.inf
    return Standing(trial, 1 - len(finite) / len(losses), mean)
