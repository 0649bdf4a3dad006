"""A recommendation in words."""

from __future__ import annotations

import math

from lrscope.report.analysis.choice import Choice
from lrscope.report.analysis.comparison import Cell
from lrscope.report.analysis.estimates import Estimate, Share
from lrscope.report.analysis.no_choice import nothing_learned
from lrscope.report.analysis.own_unit import at_best, in_words, own_unit
from lrscope.report.analysis.recommendation import CONFIDENCE, loss
from lrscope.report.analysis.safest import fail_within, has_idle_schedule, known, usable
from lrscope.report.analysis.stopped_by_search import spent


def sentences(chosen: Choice) -> tuple[str, ...]:
    """The headline, the range, what the neighbours would cost, and what a search has taken."""
    where = _where(chosen)
    if chosen.constant is not None:
        return (nothing_learned(chosen.comparison, chosen.best, chosen.constant, where),)
    if chosen.group.sweep.unfinished:
        return (_headline(chosen, where), *_neighbours(chosen))
    took = spent(chosen.comparison)
    return (_headline(chosen, where), *_as_good(chosen), *_neighbours(chosen), *([took] if took else []))


def share(failed: Share) -> str:
    """``4 of 5 seeds (80%, 95% Wilson interval 38% to 96%)``"""
    interval = f"{failed.count / failed.total:.0%}, 95% Wilson interval {failed.low:.0%} to {failed.high:.0%}"
    return f"{failed} {seeds(failed.total)} ({interval})"


def seeds(count: int) -> str:
    return "seed" if count == 1 else "seeds"


def rate(value: float) -> str:
    """A rate between those that were tried, in two digits."""
    return f"{value:.2g}"


def _where(chosen: Choice) -> str:
    words = " ".join(f"{key}={value}" for key, value in chosen.group.settings.items()) or chosen.group.label
    several = [words] if len(chosen.comparison.groups) > 1 else []
    found = chosen.best.rows[0].member.settings
    beside = [key for key in chosen.group.sweep.searched if key != chosen.comparison.x_axis and key in found]
    return "".join(f" with {words}" for words in [*several, *(f"{key}={found[key]}" for key in beside)])


def _headline(chosen: Choice, where: str) -> str:
    best, axis = chosen.best, chosen.comparison.x_axis
    but = f"; it failed for {share(best.failed)}" if best.failed.count else ""
    if chosen.use == best.x:
        return f"Use {axis}={best.label}{where}: {_losses(chosen, best)}{but}."
    assert chosen.curve is not None and isinstance(chosen.use, float)
    judge, expected = chosen.comparison.judge, chosen.curve.loss_at(chosen.use)
    side = "highest" if judge.rises else "lowest"
    lower = best.score is not None and expected < best.score.mean  # past noise it may lie above the best that was seen
    there = f"{side} there{f', {loss(judge.value(expected))}' if lower else ''}"
    return (
        f"Use {axis}={rate(chosen.use)}{where}, which was not tried: a smooth curve through the rates is {there};"
        f" {best.label} had {_losses(chosen, best)}{but}."
    )


def _losses(chosen: Choice, cell: Cell) -> str:
    """At its best and at the end, one number where both are the same."""
    assert cell.best is not None and cell.final is not None
    judge = chosen.comparison.judge
    best, final = judge.estimate(cell.best), judge.estimate(cell.final)
    ends = "" if loss(best.mean) == loss(final.mean) else f", {loss(final.mean)} at the end"
    return f"best {judge.metric} {loss(best.mean)}{_in_own_unit(chosen, cell)}{ends}{_interval(best)}"


def _in_own_unit(chosen: Choice, cell: Cell) -> str:
    """Of a standardised loss what it is in the user's unit; its best and that of the loss are of the same epoch."""
    if not chosen.comparison.judge.is_loss:
        return ""
    part = chosen.comparison.judge.metric.partition("/")[0]
    name = own_unit([row.member for row in chosen.comparison.rows], part)
    value = at_best([row.member for row in cell.rows if row.member.tells and not row.member.failed], name or "")
    return f" ({name} {in_words(value)})" if name is not None and math.isfinite(value) else ""


def _interval(estimate: Estimate) -> str:
    if estimate.n < 2:
        return ""
    return f" (mean of {estimate.n} seeds, 95% interval {loss(estimate.low)} to {loss(estimate.high)})"


def _as_good(chosen: Choice) -> list[str]:
    axis, cells = chosen.comparison.x_axis, chosen.group.cells
    if chosen.curve is not None:
        return [_range(chosen)]
    if len(chosen.near) > 1 and not chosen.comparison.numeric:
        idle = [cell.label for cell in chosen.near[1:] if has_idle_schedule(cell)]
        others = ", ".join(cell.label for cell in chosen.near[1:])
        never = f" ({', '.join(idle)}: the schedule never moved)" if idle else ""
        return [f"As good, within {chosen.basis}: {others}{never}."]
    if len(chosen.near) > 1:
        ends = f"{chosen.near[0].label} to {chosen.near[-1].label}"
        return [f"Anything from {ends} is as good: within {chosen.basis}."]
    if len(usable(cells)) > 1:
        failing = fail_within(cells, chosen.best, chosen.room)
        noun = chosen.comparison.judge.noun
        why = f"none comes within {chosen.basis}"
        if failing:
            why = f"those whose {noun} is as good failed for some seeds"
        return [f"No other {axis} of the sweep is as good: {why}."]
    return []


def _range(chosen: Choice) -> str:
    low, high = chosen.range
    assert isinstance(low, float) and isinstance(high, float)
    where = f"close to {rate(low)}" if rate(low) == rate(high) else f"between {rate(low)} and {rate(high)}"
    which = "The best of the rates swept" if chosen.edge else "The best rate"
    words = f"{which} lies {where} ({CONFIDENCE:.0%} interval)"
    settled = chosen.evidence == "clear" or chosen.held or chosen.edge
    return f"{words}." if settled else f"{words}; to know, run the command below."


def _neighbours(chosen: Choice) -> list[str]:
    """What the next lower and the next higher value outside the range come to, in the numbers of the table."""
    numbered = known(chosen.group.cells)
    if not isinstance(chosen.best.x, float) or chosen.best.score is None:
        return []
    words = []
    for place, side in ((numbered.index(chosen.near[0]) - 1, "lower"), (numbered.index(chosen.near[-1]) + 1, "higher")):
        if not 0 <= place < len(numbered):
            continue
        cell = numbered[place]
        if cell.failed.count == cell.failed.total > 0:
            words.append(f"next {side}, {cell.label}, fails ({cell.failed} {seeds(cell.failed.total)})")
        elif cell.failed.count:
            words.append(f"next {side}, {cell.label}, failed for {cell.failed} {seeds(cell.failed.total)}")
        elif cell.score is not None and cell.score.mean > chosen.best.score.mean:
            words.append(f"next {side}, {cell.label}: {_losses(chosen, cell)}")
    text = "; ".join(words)
    return [f"{text[:1].upper()}{text[1:]}."] if words else []
