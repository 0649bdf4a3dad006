"""Which command to run next, and why: the one that the sentences above it speak of first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lrscope.report.analysis.choice import FEW_SEEDS, Choice
from lrscope.report.analysis.contenders import rivals
from lrscope.report.analysis.next_runs import around, between, beyond, go_on, more_seeds
from lrscope.report.analysis.sentences import rate
from lrscope.report.data.axes import RATE

COARSE = 4.0
"""Neighbours further apart than this factor leave room for a better rate between them."""


def next_commands(chosen: Choice) -> tuple[tuple[str, str], ...]:
    """Pairs of a reason and a command to paste; none where another rate or seed would mend nothing."""
    if chosen.group.sweep.unfinished:
        return (go_on(chosen.group.sweep),)
    if chosen.held or (chosen.constant is not None and chosen.beyond is None):
        return ()
    if len(chosen.group.sweep.searched) > 1:
        return ()  # other rates would want other values of the rest
    best = chosen.best.x
    if not chosen.comparison.by_rate or not isinstance(best, float):
        return _beside_rates(chosen)
    group = chosen.group
    rates = [cell.x for cell in group.cells if isinstance(cell.x, float) and cell.x > 0]
    if best <= 0:
        return ()
    if len(rates) < 2:
        return (("One rate is no sweep", beyond(group, best, rates, "both")),)
    found = []
    if chosen.beyond:
        end = max(rates) if chosen.beyond == "highest" else min(rates)
        found.append(("To see whether the optimum lies beyond the edge", beyond(group, end, rates, chosen.beyond)))
    elif chosen.evidence != "clear" and (chosen.use != best or _coarse(rates, best)):
        low, high = _range(chosen, rates, best)
        found.append((f"To look between {rate(low)} and {rate(high)}", between(group, low, high, chosen.use)))
    if chosen.evidence != "clear" and (len(chosen.best.rows) < FEW_SEEDS or not found):
        seeds = len(chosen.best.rows)
        found.append(("To tell the rates apart from the luck of a seed", more_seeds(group, _competing(chosen), seeds)))
    return tuple(found)


def _competing(chosen: Choice) -> list[float]:
    return sorted(cell.x for cell in rivals(chosen.group, chosen.best) if isinstance(cell.x, float))


def _range(chosen: Choice, rates: Sequence[float], best: float) -> tuple[float, float]:
    """Where the best rate lies, as the sentence says it; without a curve, between the neighbours."""
    low, high = chosen.range
    if chosen.curve is not None and isinstance(low, float) and isinstance(high, float) and low < high:
        return low, high
    place = rates.index(best)
    return rates[max(place - 1, 0)], rates[min(place + 1, len(rates) - 1)]


def _beside_rates(chosen: Choice) -> tuple[tuple[str, str], ...]:
    """Where something else than the rate was swept."""
    rates = [row.member.rate for row in chosen.best.rows if row.member.rate]
    found = []
    if rates and not any(RATE in sweep.axes for sweep in chosen.comparison.sweeps):
        found.append(("To give each its own best rate", around(chosen.group, rates[0])))
    if len(chosen.best.rows) < FEW_SEEDS:
        found.append(("To measure the noise", more_seeds(chosen.group, (), len(chosen.best.rows))))
    return tuple(found)


def _coarse(rates: Sequence[float], best: float) -> bool:
    place = rates.index(best)
    close = rates[max(place - 1, 0) : place + 2]
    return any(high / low > COARSE for low, high in pairwise(close) if low > 0)
