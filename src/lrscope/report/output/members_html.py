"""The table of members on the page: of many the interesting ones, all of them one click away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.data.addresses import run_page
from lrscope.report.output.columns import Column, telling
from lrscope.report.output.glossary import TERMS, term
from lrscope.report.output.html_table import number_class
from lrscope.report.output.interesting import Folded, interesting
from lrscope.report.output.marks_svg import icon


def members_html(comparison: Comparison, best: Row | None) -> str:
    """The whole table (``#members``); where some rows are folded, those that tell something stand above it."""
    shown = telling(comparison)
    whole = _table(comparison, shown, comparison.rows, best, ' id="members"')
    few = interesting(comparison.rows, best)
    if not any(isinstance(row, Folded) for row in few):
        return whole
    every = f"<details><summary>All {len(comparison.rows)} members</summary>{whole}</details>"
    return _table(comparison, shown, few, best, "", sortable=False) + every


def _table(
    comparison: Comparison,
    shown: Sequence[Column],
    rows: Sequence[Row | Folded],
    best: Row | None,
    attributes: str,
    sortable: bool = True,
) -> str:
    places = {row.member.run_id: index for index, row in enumerate(comparison.rows)}
    heads = "".join(f"<th{number_class(column.right)}>{_head(column)}</th>" for column in shown) + "<th>run</th>"
    body = []
    for row in rows:
        if isinstance(row, Folded):
            body.append(f'<tr class="folded"><td colspan="{len(shown) + 1}">⋮ {escape(row.words)}</td></tr>')
            continue
        cells = "".join(_cell(column, row) for column in shown)
        kind = ' class="best-row"' if row is best else ""
        body.append(f'<tr data-row="{places[row.member.run_id]}"{kind}>{cells}{_link(comparison, row)}</tr>')
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="scroll"><table{kind}{attributes}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _head(column: Column) -> str:
    if column.heading in TERMS:
        return term(column.heading, escape(column.title).replace("\n", "<br>"))
    if column.key == "lr":
        return term("peak rate", escape(column.title))
    return escape(column.title).replace("\n", "<br>")


def _link(comparison: Comparison, row: Row) -> str:
    sweep = next(sweep for sweep in comparison.sweeps if row.member in sweep.members)
    address = escape(run_page(sweep, row.member.run_id), quote=True)
    name = escape(row.member.name, quote=True)
    return f'<td><a href="{address}" target="_blank" rel="noopener" title="{name}" aria-label="{name}">open ↗</a></td>'


def _cell(column: Column, row: Row) -> str:
    value = column.value(row)
    text = escape(column.text(value))
    if column.key == "verdict":
        word = row.member.outcome
        why = escape(row.member.why, quote=True)
        return f'<td><span class="verdict" title="{why}">{icon(word)}{text}</span></td>'
    if not column.right:
        return f"<td>{text}</td>"
    known = isinstance(value, int | float) and not math.isnan(value)
    exact = ("Infinity" if value == math.inf else repr(value)) if known else ""
    return f'<td class="number" data-value="{escape(exact, quote=True)}">{text}</td>'
