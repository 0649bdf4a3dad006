"""Settings side by side on equal footing: each at its own best rate, over the same seeds and as many updates."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Cell, Comparison, Row
from lrscope.report.analysis.estimates import Estimate, Share, mean_interval, share_of
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.analysis.safest import has_idle_schedule
from lrscope.report.data.axes import RATE


@dataclass(frozen=True)
class Standing:
    """One setting at its best. ``difference``: its best loss minus the first one's, paired by seed (None: no pairs)."""

    label: str
    at: str
    best: Estimate | None
    final: Estimate | None
    accuracy: Estimate | None
    arrival: float | None
    """Median over seeds of the updates until 90% of the best improvement; None where most never made it."""
    failed: Share
    difference: Estimate | None


@dataclass(frozen=True)
class Ranking:
    """``standings`` from the lowest best loss up; ``cautions`` say where the footing is not equal."""

    title: str
    standings: tuple[Standing, ...]
    cautions: tuple[str, ...]


def ranking_of(comparison: Comparison, recommendations: Sequence[Recommendation]) -> Ranking | None:
    """None where only rates were swept: then the loss against the rate says it all."""
    if len(comparison.groups) > 1:
        chosen = [(r.group, _best_cell(comparison, r), _group_failures(comparison, r.group)) for r in recommendations]
    elif comparison.groups and not comparison.numeric and len(comparison.groups[0].cells) > 1:
        chosen = [(cell.label, cell, cell.failed) for cell in comparison.groups[0].cells]
    else:
        return None
    chosen.sort(key=lambda item: _rank(item[1]))
    first = chosen[0][1]
    by_rate = comparison.by_rate
    standings = tuple(_standing(label, cell, failed, first, by_rate) for label, cell, failed in chosen)
    axes = {axis for sweep in comparison.sweeps for axis in sweep.axes}
    title = "Schedules on equal footing" if any("scheduler" in axis for axis in axes) else "Settings side by side"
    return Ranking(title, standings, tuple(_cautions(comparison, [cell for _, cell, _ in chosen if cell])))


def _rank(cell: Cell | None) -> tuple[float, bool]:
    """The lower the better; of equals the one whose schedule did what it is for."""
    return (
        cell.score.mean if cell is not None and cell.score else math.inf,
        cell is not None and has_idle_schedule(cell),
    )


def _best_cell(comparison: Comparison, recommendation: Recommendation) -> Cell | None:
    group = next(group for group in comparison.groups if group.label == recommendation.group)
    return next((cell for cell in group.cells if cell.x == recommendation.best and cell.best), None)


def _group_failures(comparison: Comparison, label: str) -> Share:
    ended = [r for r in comparison.rows if r.group == label and r.member.tells and not r.member.crashed]
    return share_of(sum(row.member.failed for row in ended), len(ended))


def _standing(label: str, cell: Cell | None, failed: Share, first: Cell | None, by_rate: bool) -> Standing:
    if cell is None:
        return Standing(label, "–", None, None, None, None, failed, None)
    rates = {row.member.rate for row in cell.rows}
    at = cell.label if by_rate else f"{rates.pop():.4g}" if len(rates) == 1 and None not in rates else "–"
    trained = _trained(cell)
    accuracies = [row.outcome.best_val_acc for row in trained if math.isfinite(row.outcome.best_val_acc)]
    arrivals = sorted(row.arrival if row.arrival is not None else math.inf for row in trained)
    arrival = statistics.median(arrivals) if arrivals else math.inf
    return Standing(
        label=label or "all",
        at=at,
        best=cell.best,
        final=cell.final,
        accuracy=mean_interval(accuracies) if accuracies else None,
        arrival=arrival if math.isfinite(arrival) else None,
        failed=failed,
        difference=_difference(cell, first) if first is not None and first is not cell else None,
    )


def _trained(cell: Cell) -> list[Row]:
    return [row for row in cell.rows if row.member.tells and not row.member.failed]


def _difference(cell: Cell, first: Cell) -> Estimate | None:
    """By seed: what the seed does to both cancels out."""
    reference = {row.member.seed: row.score for row in _trained(first)}
    pairs = [
        row.score - reference[row.member.seed]
        for row in _trained(cell)
        if row.member.seed in reference and math.isfinite(row.score)
    ]
    return mean_interval(pairs) if len(pairs) > 1 else None


def _cautions(comparison: Comparison, cells: Sequence[Cell]) -> list[str]:
    found = []
    steps = {row.outcome.steps for cell in cells for row in _trained(cell)}
    if len(steps) > 1 and max(steps) > 1.02 * min(steps):
        found.append(f"They did not train equally long: {min(steps)} to {max(steps)} updates.")
    seeds = {frozenset(row.member.seed for row in cell.rows) for cell in cells}
    if len(seeds) > 1:
        found.append("They were not run with the same seeds, so the differences are not paired by seed throughout.")
    if not comparison.by_rate and RATE not in {axis for sweep in comparison.sweeps for axis in sweep.axes}:
        found.append(
            "Each ran at one peak rate only, and the best rate differs between settings: sweep lr as well, then each"
            " stands at its own best."
        )
    if max((len(cell.rows) for cell in cells), default=0) < 2:
        found.append("One seed each: whether the differences would hold for another seed is not known.")
    return found
