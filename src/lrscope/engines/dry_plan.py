"""What ``--dry-run`` tells of an engine: which groups its workers would get, and how long they would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lrscope.batched.run.preview import PlannedGroup
from lrscope.engines.cut import MOST_NAMES, Unit, cut, shared_out, wall_seconds
from lrscope.engines.engine import START_S
from lrscope.engines.train_elsewhere import sharing_memory, workers_of


def lines_of_plan(planned: Sequence[PlannedGroup], sweep: Any) -> Iterator[str]:
    """One line on the engine, one a worker.

    Args:
        planned: how the members would be trained in one process.
        sweep: the part of the config.
    """
    engine, workers = str(sweep.engine), workers_of(sweep)
    groups = cut(_units(planned, sharing_memory(sweep)), workers, START_S[engine])
    names = [name for one in planned for name in one.names]
    seconds = wall_seconds(groups, workers, START_S[engine])
    long = f", about {seconds:.2g} s, of which {START_S[engine]:.2g} s a group to start it" if seconds else ""
    count = f"{len(groups)} group{'' if len(groups) == 1 else 's'}"
    yield f"on {engine}, {workers} worker{'' if workers == 1 else 's'} at one time: {count}{long}"
    shares = [share for share in shared_out(groups, workers, START_S[engine]) if share]
    for worker, share in enumerate(shares, start=1):
        more = f"; then {len(share) - MOST_NAMES} more" if len(share) > MOST_NAMES else ""
        yield f"  worker {worker}: {'; then '.join(group.shown(names) for group in share[:MOST_NAMES])}{more}"
    if len(shares) < workers:
        yield f"  {workers - len(shares)} without work: another group would cost more time than it saves"


def _units(planned: Sequence[PlannedGroup], sharing: int) -> list[Unit]:
    """Members are numbered in their order there."""
    units: list[Unit] = []
    first = 0
    for group in planned:
        numbers = tuple(range(first, first + len(group.names)))
        first += len(numbers)
        if group.together:
            fit = max(1, (group.fit or len(numbers)) // sharing)
            units.append(Unit(numbers, True, group.seconds_of_one, group.seconds, min(fit, group.fastest or fit)))
        else:
            each = group.seconds / len(numbers) if group.seconds is not None else None
            units += [Unit((number,), False, each, each) for number in numbers]
    return units
