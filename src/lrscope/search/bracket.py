"""The trials that compete with each other, and who of them is still in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrscope.core.pruned import Pruned
from lrscope.search.halving import Curve, leaving, standings
from lrscope.search.rungs import Rung

Ranked = Mapping[str, Sequence[int]]
"""By the ``at`` of a rung the places (in their order from 0) of the trials that were judged there, the best first."""


@dataclass(frozen=True)
class Entrant:
    """A member that takes part: ``member`` names it, ``trial`` is what it has in common with its other seeds.

    ``out``: an earlier process ended it, by itself or because it was pruned; ``curve`` is what is known of it then.
    """

    member: str
    trial: str
    out: bool = False
    pruned: bool = False
    curve: Curve = Curve()  # noqa: RUF009  # a frozen dataclass


class Bracket:
    """One successive halving. The same trials with the same curves are always judged alike, whenever and wherever.

    Args:
        rungs: first to last.
        evaluations: of a whole run.
        judge: see :func:`lrscope.search.halving.standings`.
        earlier: what an earlier process has decided: that stands, whatever the curves say now.
    """

    def __init__(
        self, entrants: Sequence[Entrant], rungs: Sequence[Rung], evaluations: int, judge: str, earlier: Ranked
    ) -> None:
        self.ranked: dict[str, list[int]] = {}
        self.trials = list(dict.fromkeys(entrant.trial for entrant in entrants))
        self._entrants = {entrant.member: entrant for entrant in entrants}
        self._rungs, self._evaluations, self._judge = tuple(rungs), evaluations, judge
        self._ended = {entrant.member: entrant.curve for entrant in entrants if entrant.out}
        gone = {entrant.trial for entrant in entrants if entrant.pruned}
        self._in = [trial for trial in self.trials if trial not in gone]
        for at, places in earlier.items():
            if set(places) <= set(range(len(self.trials))):
                self.ranked[at] = list(places)

    @property
    def identity(self) -> str:
        """Equal for the same trials only."""
        return hashlib.sha256("\n".join(self.trials).encode()).hexdigest()[:8]

    def has(self, member: str) -> bool:
        return member in self._entrants

    def end(self, member: str, curve: Curve) -> None:
        """A member has ended by itself; what it came to counts on."""
        self._ended[member] = curve

    def is_rung(self, at: int) -> bool:
        return any(rung.at == at for rung in self._rungs)

    def rank(self, at: int, curves: Mapping[str, Curve]) -> None:
        """Decide who goes on at this rung, unless that is decided already; it stands in ``ranked`` then.

        Args:
            curves: of the members that still train.
        """
        if str(at) not in self.ranked:
            by_trial = {trial: [] for trial in self._in}  # type: dict[str, list[Curve]]
            for member, entrant in self._entrants.items():
                curve = self._ended.get(member) or curves.get(member)
                if entrant.trial in by_trial and curve is not None:
                    by_trial[entrant.trial].append(curve)
            known = {trial: found for trial, found in by_trial.items() if found}
            ranked = standings(known, self._evaluations, self._judge)
            self.ranked[str(at)] = [self.trials.index(standing.trial) for standing in ranked]

    def leaving(self, at: int, curves: Mapping[str, Curve]) -> dict[str, Pruned]:
        """The members that a ranked rung stops."""
        number, rung = next((n, rung) for n, rung in enumerate(self._rungs, start=1) if rung.at == at)
        order = [self.trials[place] for place in self.ranked[str(at)]]
        gone = leaving(order, rung)
        self._in = [trial for trial in self._in if trial not in gone]
        kept = len(order) - len(gone)
        return {
            member: rung.pruned(number, gone[trial], len(order), kept, self._forecast(curve))
            for member, curve in curves.items()
            if (trial := self._entrants[member].trial) in gone
        }

    def _forecast(self, curve: Curve) -> float | None:
        return curve.worth(self._evaluations, self._judge) if self._judge == "forecast" else None
