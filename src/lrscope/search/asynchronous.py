"""Who goes on at a rung where trials do not come to it together: each is held against those that were there before."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lrscope.core.pruned import Pruned
from lrscope.search.halving import Curve, standings
from lrscope.search.rungs import Rung


@dataclass(frozen=True)
class Arrival:
    """What a member has come to. ``trial``: what it has in common with its other seeds; ``bracket``: with the trials
    that it competes with. Both are empty where that is not known.

    ``start``: the loss ahead of the first update. ``losses``: at every evaluation so far, the lower the better.
    """

    member: str
    trial: str
    bracket: str
    start: float
    losses: tuple[float, ...]

    def after(self, evaluations: int) -> Curve | None:
        """Its curve when it had so many; None where it has not come so far."""
        return Curve(self.start, self.losses[:evaluations]) if len(self.losses) >= evaluations else None


@dataclass(frozen=True)
class Judge:
    """``keep``: share of the trials that a rung lets through. ``evaluations``: of a whole run. ``by``: ``forecast`` or
    ``now``, see :func:`lrscope.search.halving.standings`.
    """

    keep: float
    evaluations: int
    by: str

    def stops(self, own: Arrival, known: Iterable[Arrival], rung: Rung, number: int) -> Pruned | None:
        """Whether a member leaves at this rung, the ``number``-th (from 1).

        Asynchronous successive halving (Li et al. 2020), in the form that stops a trial for good: it goes on where it
        is among the best ``keep`` of those that have come to the rung so far, itself included; the first always does.
        One that has gone on from here before, in a process that was killed, goes on again.
        """
        here, latest = len(own.losses), {arrival.member: arrival for arrival in known}
        before = latest.get(own.member)
        if before is not None and len(before.losses) > here:
            return None
        latest[own.member] = own
        trials: dict[str, list[Curve]] = defaultdict(list)
        for arrival in latest.values():
            curve = arrival.after(here)
            if curve is not None and arrival.trial and arrival.bracket == own.bracket:
                trials[arrival.trial].append(curve)
        ranked = [standing.trial for standing in standings(trials, self.evaluations, self.by)]
        place, kept = 1 + ranked.index(own.trial), max(1, math.ceil(len(ranked) * self.keep - 1e-9))
        if place <= kept:
            return None
        worth = Curve(own.start, own.losses).worth(self.evaluations, self.by) if self.by == "forecast" else None
        return rung.pruned(number, place, len(ranked), kept, worth)
