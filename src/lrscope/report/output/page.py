"""The report as one HTML file that needs nothing beside it: no network, no storage, a few hundred kB."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from lrscope.report.analysis.comparison import Comparison, Row, sweep_names
from lrscope.report.analysis.ranking import Ranking
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import gaps
from lrscope.report.figures.colours import MARKS, SCALE
from lrscope.report.figures.figure_data import MANY, CurvePanel, FigureData, LossPanel
from lrscope.report.figures.limits import Axis
from lrscope.report.output.columns import Column, columns, loss_text
from lrscope.report.output.tables import TextTable, cells_table, ranking_table

MOST_CARDS = 3
"""Settings beyond the best three are folded away."""

HOW_TO_READ = (
    "<b>best</b>: the lowest loss or highest accuracy of the run, <b>at the end</b>: its last. The mark in the figure"
    " is the best loss, the tick joined to it the loss at the end; of a failed run the mark is its end.",
    "The loss that decides is the validation loss where there is one, else the training loss. A rate is as good as the"
    " best if its mean lies within the largest of: 1% of the loss, a thousandth of what training gained, one standard"
    " error over the seeds, and (with many rates close to each other) the noise between neighbours, after Gasser, Sroka"
    " and Jennen-Steinmetz 1986.",
    "Means leave out runs that failed; the share that failed stands beside them, with Wilson's 95% interval.",
    "<b>steps to 90%</b>: updates until the run had made 90% of the best improvement of all members.",
    "<b>LR sensitivity</b> (Wortsman et al. 2023, arXiv 2309.14322): the mean over the swept rates, evenly in their"
    " logarithm, of min(loss at the end, loss at the start) minus the lowest: 0 where any rate does as well.",
)


def write_page(
    comparison: Comparison, recommendations: Sequence[Recommendation], ranking: Ranking | None, figure_data: FigureData
) -> str:
    """The whole page. Everything that came from the store is escaped."""
    page = files("lrscope.report.output") / "template"
    parts = {name: (page / f"report.{name}").read_text("utf-8") for name in ("html", "css", "js")}
    cells = cells_table(comparison)
    labels = sweep_names(comparison.sweeps).values()
    names = comparison.sweeps[0].name if len(comparison.sweeps) == 1 else " against ".join(labels)
    return Template(parts["html"]).substitute(
        title=escape(f"{names} · lrscope"),
        heading=escape(names),
        subtitle=_subtitle(comparison),
        css=parts["css"],
        js=parts["js"],
        axis="the rate" if comparison.by_rate else escape(comparison.x_axis),
        gaps=_list("warn", [gap for sweep in comparison.sweeps for gap in gaps(sweep)]),
        recommendations=_cards(recommendations),
        cells=_table(cells, "sortable") if cells else "",
        settings=_ranking(ranking, comparison) if ranking else "",
        members=_members(comparison),
        notes=_notes(),
        figure_data=_json(_figure_data(comparison, figure_data)),
    )


def _subtitle(comparison: Comparison) -> str:
    words = []
    for sweep in comparison.sweeps:
        when = f"{sweep.started:%Y-%m-%d %H:%M} UTC" if sweep.started else ""
        parts = [sweep.dataset, f"{len(sweep.members)} members", when, f"sweep {sweep.run_id}"]
        words.append(escape(" · ".join(part for part in parts if part)))
    return "<br>".join(words)


def _cards(recommendations: Sequence[Recommendation]) -> str:
    shown, others = recommendations[:MOST_CARDS], recommendations[MOST_CARDS:]
    cards = "".join(_card(recommendation) for recommendation in shown)
    if others:
        cards += f"<details><summary>{len(others)} more settings</summary>{''.join(map(_card, others))}</details>"
    return cards


def _card(recommendation: Recommendation) -> str:
    headline, *rest = recommendation.sentences
    facts = []
    if recommendation.sensitivity is not None:
        facts.append(f"<span>LR sensitivity <b>{loss_text(recommendation.sensitivity)}</b></span>")
    facts.append(f"<span>evidence <b>{recommendation.evidence}</b></span>")
    commands = "".join(
        f'<p class="try">{escape(reason)}:</p><code class="command">{escape(command)}</code>'
        for reason, command in recommendation.commands
    )
    return (
        f'<section class="card{" none" if recommendation.best is None else ""}">'
        + (f"<h3>{escape(recommendation.group)}</h3>" if recommendation.group else "")
        + f'<p class="headline">{escape(headline)}</p>'
        + "".join(f"<p>{escape(sentence)}</p>" for sentence in rest)
        + _list("warn", recommendation.warnings)
        + commands
        + f'<div class="facts soft small">{"".join(facts)}</div></section>'
    )


def _list(kind: str, sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _ranking(ranking: Ranking, comparison: Comparison) -> str:
    return (
        f"<h2>{escape(ranking.title)}</h2>"
        + _table(ranking_table(ranking, comparison), "sortable")
        + _list("warn", ranking.cautions)
    )


def _table(table: TextTable, kind: str) -> str:
    def cells(tag: str, texts: Sequence[str]) -> str:
        pairs = zip(texts, table.numbers, strict=True)
        return "".join(f"<{tag}{_number(number)}>{escape(text)}</{tag}>" for text, number in pairs)

    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    head = f"<thead><tr>{cells('th', table.heads)}</tr></thead>"
    return f'<div class="scroll"><table class="{kind}">{head}<tbody>{rows}</tbody></table></div>'


def _number(number: bool) -> str:
    return ' class="number"' if number else ""


def _members(comparison: Comparison) -> str:
    from lrscope.report.analysis.recommend import recommend
    from lrscope.report.output.terminal import best_row

    shown = columns(comparison)
    best = best_row(comparison, recommend(comparison))
    heads = "".join(f"<th{_number(column.right)}>{_two_lines(column.title)}</th>" for column in shown) + "<th>why</th>"
    rows = []
    for index, row in enumerate(comparison.rows):
        cells = "".join(_member_cell(column, row) for column in shown)
        kind = ' class="best-row"' if row is best else ""
        rows.append(f'<tr data-row="{index}"{kind}>{cells}{_why(row)}</tr>')
    return (
        '<div class="scroll"><table class="sortable" id="members">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _why(row: Row) -> str:
    text = escape(row.member.why, quote=True)
    return f'<td class="why" title="{text}">{text}</td>'


def _two_lines(title: str) -> str:
    return escape(title).replace("\n", "<br>")


def _member_cell(column: Column, row: Row) -> str:
    value = column.value(row)
    text = escape(column.text(value))
    if column.key == "verdict":
        word = escape(row.member.outcome, quote=True)
        return f'<td><span class="verdict" data-word="{word}">{text}</span></td>'
    if not column.right:
        return f"<td>{text}</td>"
    known = isinstance(value, int | float) and not math.isnan(value)
    exact = ("Infinity" if value == math.inf else repr(value)) if known else ""
    return f'<td class="number" data-value="{escape(exact, quote=True)}">{text}</td>'


def _notes() -> str:
    return (
        "<details><summary>How to read this</summary>"
        + "".join(f"<p>{text}</p>" for text in HOW_TO_READ)
        + "</details>"
    )


def _figure_data(comparison: Comparison, figure_data: FigureData) -> dict[str, Any]:
    notes = ["mark: best, tick: at the end"]
    if figure_data.interval:
        notes.append(figure_data.interval)
    if figure_data.band is not None:
        notes.append("shaded: recommended")
    return {
        "losses": [_loss_panel(panel) for panel in figure_data.losses],
        "curves": [_curve_panel(panel) for panel in figure_data.curves],
        "colours": figure_data.colours,
        "dashes": figure_data.dashes,
        "groups": figure_data.groups,
        "legend": figure_data.legend,
        "scale": figure_data.scale,
        "ramp": SCALE,
        "band": figure_data.band,
        "best": figure_data.best,
        "notes": notes,
        "many": MANY,
        "marks": {word: {"colour": mark.colour, "shape": mark.shape} for word, mark in MARKS.items()},
        "rows": _rows(comparison),
    }


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """What the page says of a member beside the pointer."""
    keys = ("verdict", "seed", "final_train_loss", "final_val_loss", "best_val_loss", "best_val_acc", "steps")
    titles = {"best_val_loss": "best val loss", "best_val_acc": "best val acc"}
    shown = [(titles.get(c.key, c.heading), c) for c in columns(comparison) if c.key in keys]
    return [
        {
            "name": row.member.name,
            "outcome": row.member.outcome,
            "failed": row.member.failed,
            "facts": [f"{title}: {column.text(column.value(row))}" for title, column in shown],
        }
        for row in comparison.rows
    ]


def _loss_panel(panel: LossPanel) -> dict[str, Any]:
    dots = [
        {"row": d.row, "x": d.x, "side": d.side, "best": _short(d.best), "final": _short(d.final), "above": d.above}
        for d in panel.dots
    ]
    means = [
        [
            {"x": m.x, "mean": _short(m.estimate.mean), "low": _short(m.estimate.low), "high": _short(m.estimate.high),
             "n": m.estimate.n}
            for m in of_group
        ]
        for of_group in panel.means
    ]  # fmt: skip
    return {"title": panel.title, "x": _axis(panel.x), "y": _axis(panel.y), "dots": dots, "means": means}


def _curve_panel(panel: CurvePanel) -> dict[str, Any]:
    curves = [
        {"row": c.row, "steps": c.steps.tolist(), "values": [_short(value) for value in c.values.tolist()]}
        for c in panel.curves
    ]
    return {"title": panel.title, "x": _axis(panel.x), "y": _axis(panel.y), "curves": curves}


def _axis(axis: Axis) -> dict[str, Any]:
    return asdict(axis)


def _short(value: float) -> float | None:
    """Four digits draw the same picture; what is not finite is not drawn, and JSON has no word for it."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _json(data: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
