"""When a halving judges, and how many go on."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """At the end of ``epoch`` (from 1) as many as ``kept`` trials go on."""

    epoch: int
    kept: int


def rungs(epochs: int, trials: int, keep: float, finalists: int, every: int = 1) -> tuple[Rung, ...]:
    """The rungs of a search, first to last.

    Each lets the share ``keep`` of the trials through, the last as many as ``finalists``; between two of them a trial
    trains 1 / ``keep`` times as long as before, so that all stretches cost about the same: successive halving (Jamieson
    and Talwalkar 2016). 64 trials of 50 epochs with ``keep=0.3`` and 3 finalists: 20 go on at epoch 1, 6 at epoch 4 and
    3 at epoch 15, which takes 9.3% of the updates of all.

    Args:
        every: the parts are evaluated every so many epochs; a rung lies at one of these.
    """
    count = max(math.ceil(math.log(trials / finalists) / -math.log(keep) - 1e-9), 0) if trials > finalists else 0
    found: list[Rung] = []
    for number in range(1, count + 1):
        kept = max(math.ceil(trials * keep**number - 1e-9), finalists)
        before = found[-1].epoch if found else 0
        epoch = max(round(epochs * keep ** (count + 1 - number) / every) * every, before + every)
        if epoch < epochs:
            found.append(Rung(epoch, kept))
    return tuple(found)
