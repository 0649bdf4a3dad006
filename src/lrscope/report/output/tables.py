"""The tables beside the members: cells of seeds and settings side by side, as heads and rows of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Cell, Comparison, Row
from lrscope.report.analysis.estimates import Estimate, Share
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.ranking import Ranking, Standing
from lrscope.report.output.columns import accuracy_text, count_text, loss_text, telling

WIDEST_RANK = 5
"""Of the members' columns, those up to this rank stand in a note."""


@dataclass(frozen=True)
class TextTable:
    """``numbers[i]``: column i holds numbers and stands at the right. ``members[i]``: whom row i speaks of."""

    heads: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    members: tuple[tuple[Row, ...], ...] = ()


def cells_table(comparison: Comparison) -> TextTable | None:
    """One row per rate with the means over its seeds and the share that failed; None where nobody swept seeds."""
    if comparison.seeds < 2:
        return None
    several = len(comparison.groups) > 1
    heads = (*(("setting",) if several else ()), comparison.x_axis, "seeds", f"best {comparison.loss}",
             "95% t-interval", "at the end", "failed", "95% Wilson interval")  # fmt: skip
    rows = tuple(
        (*((group.label,) if several else ()), *_cell(cell, comparison.judge))
        for group in comparison.groups
        for cell in group.cells
    )
    numbers = (*((False,) if several else ()), comparison.numeric, True, True, True, True, True, True)
    return TextTable(heads, numbers, rows, tuple(cell.rows for group in comparison.groups for cell in group.cells))


def _cell(cell: Cell, judge: JudgedBy) -> tuple[str, ...]:
    best, final = _as_metric(cell.best, judge), _as_metric(cell.final, judge)
    return (
        cell.label,
        str(len(cell.rows)),
        _mean(best),
        _interval(best),
        _mean(final),
        str(cell.failed) if cell.failed.total else "–",
        _share(cell.failed),
    )


def ranking_table(ranking: Ranking, comparison: Comparison) -> TextTable:
    """One row per setting at its best, the best first."""
    judge = comparison.judge
    accuracy = any(standing.accuracy for standing in ranking.standings)
    heads = ["setting", "peak rate", f"best {comparison.loss}", "95% t-interval", "at the end"]
    heads += [
        *(["best val acc"] if accuracy else []),
        "steps to 90%",
        "failed",
        f"{judge.noun} {'below' if judge.rises else 'above'} the first (paired, 95%)",
    ]
    rows = tuple(_standing(standing, accuracy, judge) for standing in ranking.standings)
    return TextTable(tuple(heads), (False, *(True,) * (len(heads) - 1)), rows)


def _standing(standing: Standing, accuracy: bool, judge: JudgedBy) -> tuple[str, ...]:
    best, final = _as_metric(standing.best, judge), _as_metric(standing.final, judge)
    difference = standing.difference
    return (
        standing.label,
        standing.at,
        _mean(best),
        _interval(best),
        _mean(final),
        *((accuracy_text(standing.accuracy.mean if standing.accuracy else None),) if accuracy else ()),
        count_text(standing.arrival),
        str(standing.failed),
        _difference(difference) if difference else "–",
    )


def _difference(difference: Estimate) -> str:
    """All three numbers to the same place behind the point: they are read beside each other."""
    numbers = (difference.mean, difference.low, difference.high)
    largest = max(abs(number) for number in numbers)
    decimals = max(4, 2 - math.floor(math.log10(largest))) if 0 < largest < math.inf else 4
    mean, low, high = (f"{number:.{decimals}f}" for number in numbers)
    return f"{mean} ({low} to {high})"


def _as_metric(costs: Estimate | None, judge: JudgedBy) -> Estimate | None:
    return judge.estimate(costs) if costs else None


def _mean(estimate: Estimate | None) -> str:
    return loss_text(estimate.mean) if estimate else "–"


def _interval(estimate: Estimate | None) -> str:
    return f"{loss_text(estimate.low)} to {loss_text(estimate.high)}" if estimate and estimate.n > 1 else "–"


def _share(share: Share) -> str:
    return f"{share.low:.0%} to {share.high:.0%}" if share.total else "–"


def members_texts(comparison: Comparison) -> TextTable:
    """The members as text, without the columns that matter least."""
    shown = [column for column in telling(comparison) if column.rank <= WIDEST_RANK]
    return TextTable(
        tuple(column.heading for column in shown),
        tuple(column.right for column in shown),
        tuple(tuple(column.text(column.value(row)) for column in shown) for row in comparison.rows),
    )


def markdown(table: TextTable, most: int | None = None) -> str:
    """The table in Markdown; what came from a store cannot break out of its cell."""
    lines = [_line(table.heads), _line(["---:" if number else "---" for number in table.numbers])]
    lines += [_line(row) for row in table.rows[:most]]
    if most is not None and len(table.rows) > most:
        lines.append(f"\n… {len(table.rows) - most} more rows in the report")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(cell: str) -> str:
    escaped = cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(escaped.split())
