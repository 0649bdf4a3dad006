"""How the members of a sweep are cut into groups for some workers: by time, by memory, the largest first."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_NAMES = 3


@dataclass(frozen=True)
class Unit:
    """Members that can train as one model, or a single one.

    ``numbers`` are those of their jobs. ``seconds_of_one`` and ``seconds_of_all``: the estimated time of a stack of one
    member and of all; None where it is not known. ``most``: members that fit into the memory, or are fastest, at once.
    """

    numbers: tuple[int, ...]
    together: bool
    seconds_of_one: float | None = None
    seconds_of_all: float | None = None
    most: int | None = None

    def seconds(self, count: int) -> float:
        """Of a stack of so many members; 0 where it is not known."""
        if self.seconds_of_one is None or self.seconds_of_all is None:
            return 0.0
        if len(self.numbers) == 1:
            return self.seconds_of_all
        slope = (self.seconds_of_all - self.seconds_of_one) / (len(self.numbers) - 1)
        return max(0.0, self.seconds_of_one + slope * (count - 1))


@dataclass(frozen=True)
class Group:
    """What travels to a worker. ``seconds``: estimated, None where it is not known."""

    numbers: tuple[int, ...]
    together: bool
    seconds: float | None = None

    def shown(self, names: Sequence[str]) -> str:
        """What it is made of; ``names`` are those of all members, by their numbers."""
        count = len(self.numbers)
        more = f" and {count - MOST_NAMES} more" if count > MOST_NAMES else ""
        how = f"{count} members as one model" if self.together else "1 member"
        return f"{how} ({', '.join(names[number] for number in self.numbers[:MOST_NAMES])}{more})"


def cut(units: Sequence[Unit], workers: int, start_s: float) -> list[Group]:
    """Groups of the units, those that take longest first; of unknown ones, those with most members.

    A stack is cut where its members do not fit at once; and once more for each worker that would be left without work,
    where the group saves more than the seconds that another costs.
    """
    pieces = [-(-len(unit.numbers) // (unit.most or len(unit.numbers))) for unit in units]
    while sum(pieces) < workers:
        gains = [_gain(unit, count) if unit.together else 0.0 for unit, count in zip(units, pieces, strict=True)]
        best = max(range(len(units)), key=lambda place: gains[place], default=None)
        if best is None or gains[best] <= start_s:
            break
        pieces[best] += 1
    groups = [group for unit, count in zip(units, pieces, strict=True) for group in _cut(unit, count)]
    return sorted(groups, key=lambda group: (-(group.seconds or 0.0), -len(group.numbers)))


def shared_out(groups: Sequence[Group], workers: int, start_s: float) -> list[list[Group]]:
    """Which groups each worker gets, if all take as long as estimated: the next goes to the one that is free first."""
    free = [(0.0, worker) for worker in range(workers)]
    shares: list[list[Group]] = [[] for _ in free]
    for group in groups:
        end, worker = free[0]
        shares[worker].append(group)
        heapq.heapreplace(free, (end + (group.seconds or 0.0) + start_s, worker))
    return shares


def wall_seconds(groups: Sequence[Group], workers: int, start_s: float) -> float | None:
    """About how long so many workers take for the groups in their order; None where one is not known."""
    if any(group.seconds is None for group in groups):
        return None
    shares = shared_out(groups, workers, start_s)
    return max(sum((group.seconds or 0.0) + start_s for group in share) for share in shares)


def _gain(unit: Unit, count: int) -> float:
    """Seconds that the longest group of a unit becomes shorter by when it is cut once more."""
    members = len(unit.numbers)
    if members < 2 * (count + 1):  # a stack of one gains nothing by being one
        return 0.0
    return unit.seconds(-(-members // count)) - unit.seconds(-(-members // (count + 1)))


def _cut(unit: Unit, count: int) -> list[Group]:
    bounds = [len(unit.numbers) * place // count for place in range(count + 1)]
    known = unit.seconds_of_all is not None
    return [
        Group(unit.numbers[start:stop], unit.together, unit.seconds(stop - start) if known else None)
        for start, stop in pairwise(bounds)
    ]
