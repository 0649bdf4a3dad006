"""A sweep on a terminal: the table of its members, the recommendation, and why the others failed."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.next_runs import GO_ON
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.figures.colours import MARKS
from lrscope.report.output.columns import Column, telling
from lrscope.report.output.interesting import MOST_ROWS, Folded, interesting
from lrscope.report.output.other_settings import others_in_words
from lrscope.report.output.report import Report, report_of
from lrscope.report.output.tables import TextTable, cells_table
from lrscope.report.why.failures import Failure, heading

HIGHEST_RANK = 8
"""Columns above this rank say nothing here (a seed that all share), however wide the terminal."""

MOST_FAILURES = 6
"""So many of those that failed are told; the others stand in the report."""

WIDEST = 120
"""Columns that a sentence may span: longer lines are hard to read."""


def members_table(sweeps: Sweep | Sequence[Sweep], going_on: str | None = None) -> RenderableType:
    """The members sorted by the swept axis as numbers, the best marked, what is missing, and the recommendation.

    Args:
        going_on: what goes on with a sweep that was interrupted, in place of the command that the store tells.
    """
    report = report_of(sweeps)
    parts: list[RenderableType] = [_members(report.comparison, report.best)]
    parts += [_whole(gap, "yellow") for gap in report.gaps]
    parts += _recommended(report)
    parts += _why(report.failures)
    for reason, command in report.commands:
        own = going_on if reason == GO_ON and going_on is not None else command
        parts += [Text(f"{reason}:", style="dim"), _whole(f"    {own}")]
    return Stack(*parts)


def _recommended(report: Report) -> list[RenderableType]:
    if report.first is None:
        return []
    headline, *rest = report.first.sentences
    others = others_in_words(report.comparison, report.recommendations[1:])
    return [
        Text(headline, style="bold"),
        *(Text(sentence) for sentence in rest),
        *([Text(others, style="dim")] if others else []),
        *(Text(warning, style="yellow") for warning in report.first.warnings),
    ]


def _whole(line: str, style: str = "") -> Text:
    """A line that is not broken, whatever the width: a command or a path in it can be copied. Print it uncropped."""
    return Text(line, style=style, no_wrap=True, overflow="ignore")


def _why(failures: Sequence[Failure]) -> list[RenderableType]:
    """A sentence for each setting that failed or fell short, below its name."""
    if not failures:
        return []
    lines: list[RenderableType] = [Text(f"\n{heading(failures)}:", style="bold")]
    for failure in failures[:MOST_FAILURES]:
        outcome = failure.verdict.label
        told = Text.assemble(f"{failure.who}  ", (outcome, MARKS[outcome].style))
        lines += [told, _Indented(Text(f"{failure.why}."))]
    more = len(failures) - MOST_FAILURES
    return [*lines, *([Text(f"… {more} more in the report", style="dim")] if more > 0 else []), Text("")]


class _Indented:
    """A paragraph below its head, no wider than one reads with ease."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, max(min(options.max_width, WIDEST) - 4, 20)):
            yield Text("    ").append_text(line)


def _members(comparison: Comparison, best: Row | None) -> RenderableType:
    """One row for each member; of many seeds one for each rate."""
    cells = cells_table(comparison)
    if cells is not None and len(comparison.rows) > MOST_ROWS:
        return _cells(cells, best)
    return _Table(comparison, best)


def _cells(cells: TextTable, best: Row | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", collapse_padding=True)
    table.add_column("", width=1)
    for head, number in zip(cells.heads, cells.numbers, strict=True):
        table.add_column(head, justify="right" if number else "left")
    for texts, rows in zip(cells.rows, cells.members, strict=True):
        starred = best in rows
        table.add_row("★" if starred else "", *texts, style="bold" if starred else "")
    return table


class _Table:
    """The table with as many columns as the terminal is wide: what matters least is left out first."""

    def __init__(self, comparison: Comparison, best: Row | None) -> None:
        self.comparison, self.best = comparison, best

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = [column for column in telling(self.comparison) if column.rank <= HIGHEST_RANK]
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
        words = column.key == "verdict"  # they may break where numbers may not be cut
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=not words)
    for row in interesting(comparison.rows, best):
        if isinstance(row, Folded):
            table.add_row("", *(row.words if column.key == "verdict" else "⋮" for column in shown), style="dim")
            continue
        cells = [Text(column.text(column.value(row))) for column in shown]
        for column, cell in zip(shown, cells, strict=True):
            if column.key == "verdict":
                cell.stylize(MARKS[row.member.outcome].style)
        table.add_row(Text("★" if row is best else ""), *cells, style="bold" if row is best else "")
    return table
