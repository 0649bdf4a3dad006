"""The map of two swept axes on the page: a table, so that it needs no script and fits every window."""

from __future__ import annotations

from html import escape

from lrscope.report.figures.heat_map import HeatCell, HeatMap
from lrscope.report.output.columns import loss_text
from lrscope.report.output.glossary import TERMS
from lrscope.report.output.marks_svg import icon


def heat_table(heat: HeatMap) -> str:
    """Rows are settings, columns the values of the x axis; the better the number, the greener."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in heat.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, cells))}</tr>'
        for name, cells in zip(heat.rows, heat.cells, strict=True)
    )
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th></th><th colspan="{len(heat.columns)}" class="axis">'
        f'{escape(heat.x_label)}</th></tr><tr><th class="axis">{escape(heat.y_label)}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<div class="legend">{_legend(heat)}'
        f"<span>number: best {escape(heat.loss)}, the greener the {heat.better}</span>"
        "<span>framed: recommended</span></div>"
    )


def _cell(cell: HeatCell | None) -> str:
    if cell is None:
        return "<td></td>"
    number = loss_text(cell.loss) if cell.loss is not None else escape(cell.outcome)
    share = f"<small>{escape(cell.share)}</small>" if cell.share and cell.loss is not None else ""
    strength = f"{8 + 52 * cell.weight:.0f}%" if cell.loss is not None else "0%"
    mark = f"{icon(cell.outcome)} " if cell.outcome != "trained" else ""
    kind = ' class="best-cell"' if cell.best else ""
    says = escape(TERMS.get(cell.outcome, cell.outcome), quote=True)
    return f'<td{kind} style="--strength:{strength}" title="{says}">{mark}{number}{share}</td>'


def _legend(heat: HeatMap) -> str:
    seen = dict.fromkeys(cell.outcome for row in heat.cells for cell in row if cell is not None)
    return "".join(f"<span>{icon(word)}{escape(word)}</span>" for word in seen)
