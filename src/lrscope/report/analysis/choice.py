"""Which setting of a group is chosen, from its end and its best epoch alike, and between which rates the best lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Cell, Comparison, Group, Row
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.no_choice import constant_answer, held_back
from lrscope.report.analysis.noise import tolerance
from lrscope.report.analysis.rate_curve import NEAR, Loss, RateCurve, fit_curve
from lrscope.report.analysis.recommendation import Evidence
from lrscope.report.analysis.safest import best_of, known, safest, usable
from lrscope.report.analysis.stopped_by_search import presumed_loss

FEW_SEEDS = 3
"""Fewer seeds than this give an interval too wide to decide anything by."""

FEW_RATES = 3

SURE = 0.8
"""A rate that is as good as the best with this probability is clear."""


@dataclass(frozen=True)
class Choice:
    """``best`` is the cell to recommend, ``use`` its value or a rate beside it that was not tried. ``near`` are the
    cells as good as it: of rates those within the range, the best among them.
    """

    comparison: Comparison
    group: Group
    best: Cell
    use: float | str | None
    curve: RateCurve | None
    near: tuple[Cell, ...]
    room: float
    basis: str
    constant: float | None
    """The loss of a constant answer, where the best is no better."""
    held: tuple[str, ...]
    """What holds at least half of the members back beside the rate: until that is mended no rate is worth trying."""

    @property
    def range(self) -> tuple[float | str | None, float | str | None]:
        """From where to where the best value lies; what is recommended is never outside."""
        if self.curve is not None and isinstance(self.use, float):
            (low, high), (least, most) = self.curve.interval(), _between_failures(self.group.cells, self.best)
            return min(max(low, least), self.use), max(min(high, most), self.use)
        return (self.near[0].x, self.near[-1].x) if self.comparison.numeric else (self.best.x, self.best.x)

    @property
    def sure(self) -> float | None:
        """The probability that ``use`` is as good as the best rate."""
        return self.curve.sure_of(self.use) if self.curve is not None and isinstance(self.use, float) else None

    @property
    def edge(self) -> Literal["lowest", "highest"] | None:
        """Whether the best is the lowest or highest of what was tried."""
        numbered = known(self.group.cells)
        if len(numbered) < 2:
            return None
        if numbered[0] is self.best:
            return "lowest"
        return "highest" if numbered[-1] is self.best else None

    @property
    def beyond(self) -> Literal["lowest", "highest"] | None:
        """Past which end of what was tried the best may lie. Below rates that were all too slow it does not: there the
        luck of a seed made the lowest look best, or higher ones are worse for another reason.
        """
        if not self.comparison.by_rate or not _all_too_slow(self.group.cells):
            return self.edge
        assert self.best.score is not None
        as_good = _within(known(self.group.cells)[-1], self.best.score.mean + self.room)
        return "highest" if self.constant is not None or as_good else None

    @property
    def evidence(self) -> Evidence:
        if self.constant is not None:
            return "none"
        if self.group.sweep.unfinished:
            return "tentative"
        within = self.edge is None and self.beyond is None
        enough = len(usable(self.group.cells)) >= FEW_RATES and within and self.best.failed.count == 0
        sure = self.sure >= SURE if self.sure is not None else len(self.best.rows) >= FEW_SEEDS
        return "clear" if enough and sure and self.use == self.best.x else "tentative"


def choose(comparison: Comparison, group: Group) -> Choice | None:
    """None where nothing trained."""
    best = best_of(group.cells)
    if best is None:
        return None
    curve = _curve(comparison, group, best) if comparison.by_rate else None
    if curve is not None and not group.sweep.searched:  # what a search stopped is on the curve by a guess alone
        best = _lowest_on(curve, safest(usable(group.cells)), best)
    constant = constant_answer(best)
    # a search ends at what it trained; what is left to train may lie where the curve is lowest
    trusts = curve is not None and constant is None and not group.sweep.searched and not group.sweep.unfinished
    use = _use(comparison, group, best, curve) if curve is not None and trusts else best.x
    room, basis = tolerance(group.cells, best, comparison.start, comparison.judge.noun)
    return Choice(
        comparison=comparison,
        group=group,
        best=best,
        use=use,
        curve=curve,
        near=tuple(_near(comparison, group, best, curve, room)),
        room=room,
        basis=basis,
        constant=constant,
        held=tuple(held_back(group)),
    )


def _curve(comparison: Comparison, group: Group, best: Cell) -> RateCurve | None:
    """Through every member that has ended; one that failed counts with at most the loss before training, and one that a
    search stopped with what it would about have come to.
    """
    rows = [
        row
        for cell in group.cells
        for row in cell.rows
        if row.member.ended and not row.member.crashed and isinstance(row.x, float) and row.x > 0
    ]
    if len(group.sweep.searched) > 1:
        return None  # neighbours along the rate differ in something else as well
    reference = min((row for row in best.rows if row.member.tells), key=lambda row: row.score)
    scores = [(row, _score(row, reference, comparison.judge)) for row in rows]
    finite = [score for _, score in scores if score is not None and math.isfinite(score)]
    start = comparison.start if math.isfinite(comparison.start) else max(finite)
    losses = [Loss(float(r.x or 0), r.member.seed or 0, min(score, start)) for r, score in scores if score is not None]
    assert best.score is not None
    return fit_curve(losses, best.score.mean, start)


def _score(row: Row, reference: Row, judge: JudgedBy) -> float | None:
    """The member's loss; of one that a search stopped what it would about have come to."""
    return row.score if row.member.pruned is None else presumed_loss(row, reference, judge)


def _lowest_on(curve: RateCurve, safe: Sequence[Cell], otherwise: Cell) -> Cell:
    """The cell at which the curve is lowest, of those that lie on it."""
    on = [c for c in safe if isinstance(c.x, float) and curve.rates[0] <= c.x <= curve.rates[-1]]
    return min(on, key=lambda cell: curve.loss_at(float(cell.x or 0)), default=otherwise)


def _use(comparison: Comparison, group: Group, best: Cell, curve: RateCurve) -> float | str | None:
    """The rate at which the curve is lowest, where it lies clearly lower there and on neither side something failed."""
    assert best.score is not None and isinstance(best.x, float)
    gain = comparison.start - best.score.mean
    numbered = [(cell.x, cell.failed.count) for cell in known(group.cells) if isinstance(cell.x, float)]
    around = [
        max((pair for pair in numbered if pair[0] <= curve.lowest), default=(0.0, 1)),
        min((pair for pair in numbered if pair[0] >= curve.lowest), default=(0.0, 1)),
    ]
    clearly = curve.loss_at(best.x) - curve.loss_at(curve.lowest) > NEAR * gain
    if not clearly or any(failed for _, failed in around):
        return best.x
    return float(f"{curve.lowest:.2g}")


def _near(comparison: Comparison, group: Group, best: Cell, curve: RateCurve | None, room: float) -> Sequence[Cell]:
    if curve is not None:
        (low, high), (least, most) = curve.interval(), _between_failures(group.cells, best)
        ends = max(low, least), min(high, most)
        inside = [c for c in known(group.cells) if isinstance(c.x, float) and ends[0] <= c.x <= ends[1]]
        return inside if best in inside else sorted([*inside, best], key=lambda cell: float(cell.x or 0))
    return as_good(group.cells, best, room) if comparison.numeric else _equals(usable(group.cells), best, room)


def _between_failures(cells: Sequence[Cell], best: Cell) -> tuple[float, float]:
    """How far the best rate can lie from the best cell: halfway, in the logarithm, to the nearest rates that failed for
    most of their seeds.
    """
    numbered = [cell for cell in known(cells) if isinstance(cell.x, float) and cell.x > 0]
    place = numbered.index(best) if best in numbered else -1
    if place < 0:
        return 0.0, math.inf
    ends = [0.0, math.inf]
    for side, step in ((0, -1), (1, 1)):
        before, at = best, place + step
        while 0 <= at < len(numbered):
            if 2 * numbered[at].failed.count > numbered[at].failed.total:
                ends[side] = math.sqrt(float(before.x or 0) * float(numbered[at].x or 0))
                break
            before, at = numbered[at], at + step
    return ends[0], ends[1]


def as_good(cells: Sequence[Cell], best: Cell, tolerance: float) -> list[Cell]:
    """The unbroken run of cells around the best whose loss is within the tolerance and none of whose seeds failed."""
    assert best.score is not None
    bound = best.score.mean + tolerance
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
    assert best.score is not None
    return [best] + [cell for cell in cells if cell is not best and _within(cell, best.score.mean + room)]


def _all_too_slow(cells: Sequence[Cell]) -> bool:
    verdicts = {
        row.member.verdict for cell in cells for row in cell.rows if row.member.tells and not row.member.crashed
    }
    return verdicts == {Verdict.TOO_SLOW}


def _within(cell: Cell, bound: float) -> bool:
    return cell.score is not None and cell.score.mean <= bound and cell.failed.count == 0
