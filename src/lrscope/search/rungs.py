"""When a halving judges, and how many go on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrscope.core.pruned import Pruned


@dataclass(frozen=True)
class Rung:
    """As many as ``kept`` trials go on behind this epoch (``at``, from 1).

    update: of a run that is evaluated behind so many updates and not at the ends of epochs: ``at`` counts its
        evaluations, and this is the update of it. epoch: that this update lies in.
    """

    at: int
    kept: int
    update: int | None = None
    epoch: int | None = None

    def pruned(self, number: int, place: int, among: int, kept: int, forecast: float | None) -> Pruned:
        """That a member leaves here; ``number`` (from 1) of the rung among those of its search."""
        return Pruned(self.epoch or self.at, number, place, among, kept, forecast, self.update)


def rungs(length: int, trials: int, keep: float, finalists: int, every: int = 1) -> tuple[Rung, ...]:
    """The rungs of a search, first to last.

    Each lets the share ``keep`` of the trials through, the last as many as ``finalists``; between two of them a trial
    trains 1 / ``keep`` times as long as before, so that all stretches cost about the same: successive halving (Jamieson
    and Talwalkar 2016). 64 trials of 50 epochs with ``keep=0.3`` and 3 finalists: 20 go on at epoch 1, 6 at epoch 4 and
    3 at epoch 15, which takes 9.3% of the updates of all.

    Args:
        length: of a run, in epochs; of one that is evaluated by updates, in evaluations.
        every: the parts are evaluated every so many epochs; a rung lies at one of these.
    """
    count = max(math.ceil(math.log(trials / finalists) / -math.log(keep) - 1e-9), 0) if trials > finalists else 0
    found: list[Rung] = []
    for number in range(1, count + 1):
        kept = max(math.ceil(trials * keep**number - 1e-9), finalists)
        before = found[-1].at if found else 0
        at = max(round(length * keep ** (count + 1 - number) / every) * every, before + every)
        if at < length:
            found.append(Rung(at, kept))
    return tuple(found)
