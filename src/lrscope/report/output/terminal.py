"""The table of a sweep on a terminal, and the links to it."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from lrscope.report.analysis.comparison import Comparison, Row, compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Sweep, gaps
from lrscope.report.figures.colours import MARKS
from lrscope.report.output.columns import Column, columns

HIGHEST_RANK = 8
"""Columns above this rank say nothing here (a seed that all share), however wide the terminal."""

OTHERS = 4
"""Of so many further settings it is told what they reach at their best."""

MOST_ROWS = 100
"""More members than this are left to the report's own table."""


def members_table(sweeps: Sweep | Sequence[Sweep]) -> RenderableType:
    """The members sorted by the swept axis as numbers, the best marked, what is missing, and the recommendation."""
    chosen = (sweeps,) if isinstance(sweeps, Sweep) else tuple(sweeps)
    comparison = compare(chosen)
    recommendations = recommend(comparison)
    parts: list[RenderableType] = [_Table(comparison, best_row(comparison, recommendations))]
    if len(comparison.rows) > MOST_ROWS:
        parts.append(Text(f"… {len(comparison.rows) - MOST_ROWS} more members in the report", style="dim"))
    parts += [_whole(gap, "yellow") for sweep in chosen for gap in gaps(sweep)]
    if recommendations:
        first = recommendations[0]
        parts += [Text(sentence) for sentence in first.sentences]
        parts += [Text(warning, style="yellow") for warning in first.warnings]
        for reason, command in first.commands:
            parts += [Text(f"{reason}:", style="dim"), _whole(f"    {command}")]
        parts += [Text(other.headline, style="dim") for other in recommendations[1 : 1 + OTHERS]]
    return Stack(*parts)


def _whole(line: str, style: str = "") -> Text:
    """A line that is not broken, whatever the width: a command or a path in it can be copied. Print it uncropped."""
    return Text(line, style=style, no_wrap=True, overflow="ignore")


def best_row(comparison: Comparison, recommendations: Sequence[Recommendation]) -> Row | None:
    """The member with the lowest loss among those of the recommended setting."""
    if not recommendations or recommendations[0].best is None:
        return None
    first = recommendations[0]
    among = [row for row in comparison.rows if row.group == first.group and row.x == first.best]
    trained = [row for row in among if not row.member.failed and row.member.ended]
    return min(trained, key=lambda row: row.score, default=None)


class _Table:
    """The table with as many columns as the terminal is wide: what matters least is left out first."""

    def __init__(self, comparison: Comparison, best: Row | None) -> None:
        self.comparison, self.best = comparison, best

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = [column for column in columns(self.comparison) if column.rank <= HIGHEST_RANK]
        table = _table(self.comparison, shown, self.best)
        while console.measure(table, options=options.update(max_width=1000)).maximum > options.max_width:
            least = max(shown, key=lambda column: column.rank)
            if least.rank == 0:
                break
            shown.remove(least)
            table = _table(self.comparison, shown, self.best)
        yield table


def _table(comparison: Comparison, shown: Sequence[Column], best: Row | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", collapse_padding=True)
    table.add_column("", width=1)
    for column in shown:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for row in comparison.rows[:MOST_ROWS]:
        cells = [Text(column.text(column.value(row))) for column in shown]
        for column, cell in zip(shown, cells, strict=True):
            if column.key == "verdict":
                cell.stylize(MARKS[row.member.outcome].style)
        table.add_row(Text("★" if row is best else ""), *cells, style="bold" if row is best else "")
    return table
