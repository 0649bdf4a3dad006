"""Which rate to use, how sure that is, and what to run next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Cell, Comparison, Group
from lrscope.report.analysis.next_runs import around, between, beyond, more_seeds
from lrscope.report.analysis.no_choice import constant_answer, no_effect, nothing, nothing_learned, one_rate_for_all
from lrscope.report.analysis.noise import tolerance
from lrscope.report.analysis.recommendation import Evidence, Recommendation, loss
from lrscope.report.analysis.safest import best_of, fail_within, known, safest
from lrscope.report.analysis.sensitivity import lr_sensitivity
from lrscope.report.data.axes import RATE

COARSE = 4.0
"""Neighbours further apart than this factor leave room for a better rate between them."""

FEW_SEEDS = 3
"""Fewer seeds than this give an interval too wide to decide anything by."""

FEW_RATES = 3


def recommend(comparison: Comparison) -> tuple[Recommendation, ...]:
    """One recommendation per group, the group with the lowest loss first, but after those that fail less."""
    best = {group.label: cell for group in comparison.groups if (cell := best_of(group.cells)) is not None}
    before = safest(list(best.values()))
    found = [_of_group(comparison, group) for group in comparison.groups]
    return tuple(sorted(found, key=lambda r: (r.best is None, best.get(r.group) not in before, r.loss)))


def _of_group(comparison: Comparison, group: Group) -> Recommendation:
    usable = [cell for cell in group.cells if cell.best is not None and cell.x is not None]
    if (best := best_of(group.cells)) is None:
        return nothing(comparison, group)
    assert best.best is not None
    if (used := one_rate_for_all(comparison, group)) is not None:
        return no_effect(comparison, group, used)
    constant = constant_answer(best)
    room, basis = tolerance(group.cells, best, comparison.start)
    near = _as_good(group.cells, best, room) if comparison.numeric else _equals(usable, best, room)
    warnings = _warnings(comparison, group, best, usable)
    return Recommendation(
        group=group.label,
        axis=comparison.x_axis,
        best=best.x,
        loss=best.best.mean,
        low=near[0].x if comparison.numeric else best.x,
        high=near[-1].x if comparison.numeric else best.x,
        tolerance=room,
        basis=basis,
        evidence="none" if constant is not None else _evidence(group, best, usable),
        sensitivity=lr_sensitivity(comparison, group),
        sentences=_sentences(comparison, group, best, near, room, basis, constant),
        warnings=tuple(warnings),
        commands=tuple(_commands(comparison, group, best, near)),
    )


def _as_good(cells: Sequence[Cell], best: Cell, tolerance: float) -> list[Cell]:
    """The unbroken run of cells around the best whose loss is within the tolerance and none of whose seeds failed."""
    assert best.best is not None
    bound = best.best.mean + tolerance
    numbered = known(cells)
    place = numbered.index(best)
    first = last = place
    while first > 0 and _within(numbered[first - 1], bound):
        first -= 1
    while last + 1 < len(numbered) and _within(numbered[last + 1], bound):
        last += 1
    return numbered[first : last + 1]


def _equals(cells: Sequence[Cell], best: Cell, room: float) -> list[Cell]:
    """Of settings without an order: the best, and all that are as good."""
    assert best.best is not None
    return [best] + [cell for cell in cells if cell is not best and _within(cell, best.best.mean + room)]


def _within(cell: Cell, bound: float) -> bool:
    return cell.best is not None and cell.best.mean <= bound and cell.failed.count == 0


def _at_edge(cells: Sequence[Cell], best: Cell) -> Literal["lowest", "highest"] | None:
    numbered = known(cells)
    if len(numbered) < 2:
        return None
    if numbered[0] is best:
        return "lowest"
    return "highest" if numbered[-1] is best else None


def _evidence(group: Group, best: Cell, usable: Sequence[Cell]) -> Evidence:
    enough = len(usable) >= FEW_RATES and _at_edge(group.cells, best) is None
    return "clear" if enough and best.failed.count == 0 and len(best.rows) >= FEW_SEEDS else "tentative"


def _sentences(
    comparison: Comparison,
    group: Group,
    best: Cell,
    near: Sequence[Cell],
    room: float,
    basis: str,
    constant: float | None = None,
) -> tuple[str, ...]:
    assert best.best is not None
    axis = comparison.x_axis
    interval = (
        f" (mean of {best.best.n} seeds, 95% interval {loss(best.best.low)} to {loss(best.best.high)})"
        if best.best.n > 1
        else ""
    )
    others = " ".join(f"{key}={value}" for key, value in group.settings.items())
    where = f" with {others or group.label}" if len(comparison.groups) > 1 else ""
    but = f"; it failed for {_share(best)}" if best.failed.count else ""
    sentences = [f"Use {axis}={best.label}{where}: best {comparison.loss} {loss(best.best.mean)}{interval}{but}."]
    if constant is not None:
        return (nothing_learned(comparison, best, constant, where),)
    if len(near) > 1 and not comparison.numeric:
        others = ", ".join(cell.label for cell in near[1:])
        sentences.append(f"As good, within {basis}: {others}.")
    elif len(near) > 1:
        sentences.append(f"Anything from {near[0].label} to {near[-1].label} is as good: within {basis}.")
    elif len([c for c in group.cells if c.best]) > 1:
        why = (
            "those whose loss is as low failed for some seeds"
            if fail_within(group.cells, best, room)
            else (f"none comes within {basis}")
        )
        sentences.append(f"No other {axis} of the sweep is as good: {why}.")
    sentences += _neighbours(group.cells, best, near)
    return tuple(sentences)


def _neighbours(cells: Sequence[Cell], best: Cell, near: Sequence[Cell]) -> list[str]:
    """What one would lose with the next lower and the next higher value outside the range."""
    numbered = known(cells)
    if not isinstance(best.x, float) or best.best is None:
        return []
    words = []
    for place, side in ((numbered.index(near[0]) - 1, "lower"), (numbered.index(near[-1]) + 1, "higher")):
        if not 0 <= place < len(numbered):
            continue
        cell = numbered[place]
        if cell.failed.count == cell.failed.total > 0:
            words.append(f"next {side}, {cell.label}, fails ({cell.failed} {_seeds(cell.failed.total)})")
        elif cell.failed.count:
            words.append(f"next {side}, {cell.label}, failed for {cell.failed} {_seeds(cell.failed.total)}")
        elif cell.best is not None:
            words.append(f"next {side}, {cell.label}, costs {loss(cell.best.mean - best.best.mean)} in loss")
    return [_capital("; ".join(words)) + "."] if words else []


def _warnings(comparison: Comparison, group: Group, best: Cell, usable: Sequence[Cell]) -> list[str]:
    assert best.best is not None
    found = []
    axis = comparison.x_axis
    if best.failed.count:
        found.append(
            f"{axis}={best.label} failed for {_share(best)}, and every other value for some seed: no safe choice was"
            " found."
        )
    for cell in usable:
        if cell.best and cell.failed.count and cell is not best and cell.best.mean < best.best.mean:
            found.append(
                f"{axis}={cell.label} reached {loss(cell.best.mean)} where it trained, but failed for {_share(cell)}: "
                "not recommended."
            )
    if comparison.by_rate and (edge := _at_edge(group.cells, best)):
        found.append(f"{best.label} is the {edge} rate of the sweep: the optimum may lie beyond it.")
    found += _of_verdicts(best, highest=group.cells[-1] is best)
    unfinished = [row for cell in group.cells for row in cell.rows if not row.member.ended]
    if unfinished:
        total = sum(len(cell.rows) for cell in group.cells)
        found.append(f"{len(unfinished)} of {total} members have not ended: this rests on the others.")
    crashed = sum(row.member.crashed for cell in group.cells for row in cell.rows)
    if crashed:
        found.append(f"{crashed} of {sum(len(cell.rows) for cell in group.cells)} members crashed: see why above.")
    if len(best.rows) < FEW_SEEDS:
        found.append(f"{_count(len(best.rows))} per value: what another seed would change is not known.")
    return found


def _of_verdicts(best: Cell, highest: bool) -> list[str]:
    verdicts = Counter(row.member.verdict for row in best.rows)
    words = [(verdict, verdict.meaning.of_the_best) for verdict in verdicts if verdict]
    if not highest:  # a higher one was tried, and came off worse
        longer = "was still improving at the end: longer training gives a lower loss"
        words = [(verdict, longer if verdict is Verdict.TOO_SLOW else told) for verdict, told in words]
    return [f"{best.label} {told}." for _, told in words if told]


def _commands(comparison: Comparison, group: Group, best: Cell, near: Sequence[Cell]) -> list[tuple[str, str]]:
    if not comparison.by_rate or not isinstance(best.x, float):
        return _commands_beside_rates(comparison, group, best)
    if best.x <= 0:
        return []
    rates = [cell.x for cell in group.cells if isinstance(cell.x, float) and cell.x > 0]
    found = []
    if len(rates) < 2:
        found.append(("One rate is no sweep", beyond(group, best.x, rates, "both")))
    elif edge := _at_edge(group.cells, best):
        found.append(("To see whether the optimum lies beyond the edge", beyond(group, best.x, rates, edge)))
    elif _coarse(rates, best.x):
        found.append(("To look between the neighbours", between(group, best.x, rates)))
    if len(best.rows) < FEW_SEEDS:
        close = [cell.x for cell in near if isinstance(cell.x, float)]
        found.append(("To measure the noise", more_seeds(group, close)))
    return found


def _commands_beside_rates(comparison: Comparison, group: Group, best: Cell) -> list[tuple[str, str]]:
    """Where something else than the rate was swept."""
    rates = [row.member.rate for row in best.rows if row.member.rate]
    found = []
    if rates and not any(RATE in sweep.axes for sweep in comparison.sweeps):
        found.append(("To give each its own best rate", around(group, rates[0])))
    if len(best.rows) < FEW_SEEDS:
        found.append(("To measure the noise", more_seeds(group, ())))
    return found


def _coarse(rates: Sequence[float], best: float) -> bool:
    place = rates.index(best)
    close = rates[max(place - 1, 0) : place + 2]
    return any(high / low > COARSE for low, high in pairwise(close) if low > 0)


def _share(cell: Cell) -> str:
    failed = cell.failed
    share = failed.count / failed.total
    interval = f"{share:.0%}, 95% Wilson interval {failed.low:.0%} to {failed.high:.0%}"
    return f"{failed} {_seeds(failed.total)} ({interval})"


def _seeds(count: int) -> str:
    return "seed" if count == 1 else "seeds"


def _count(seeds: int) -> str:
    return "One seed" if seeds == 1 else f"{seeds} seeds"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
