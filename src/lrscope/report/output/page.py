"""The report as one HTML file that needs nothing beside it: no network, no storage, a few hundred kB."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template

from lrscope.report.analysis.comparison import Comparison, sweep_names
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.addresses import run_page
from lrscope.report.figures.heat_map import HeatMap
from lrscope.report.figures.shown import FigureData
from lrscope.report.output.between_sweeps import what_differs
from lrscope.report.output.columns import loss_text
from lrscope.report.output.figure_json import figure_json
from lrscope.report.output.glossary import explained, term
from lrscope.report.output.head import command_of, facts_of
from lrscope.report.output.heat_table import heat_table
from lrscope.report.output.html_table import html_list, html_table
from lrscope.report.output.members_html import members_html
from lrscope.report.output.other_settings import others_in_words
from lrscope.report.output.report import Report
from lrscope.report.output.tables import cells_table, ranking_table
from lrscope.report.output.what_decides import what_decides
from lrscope.report.output.why_html import why_html

HOW_TO_READ = (
    "<b>best</b>: the lowest loss or highest accuracy of the run, <b>at the end</b>: its last. The mark in the figure"
    " is the best loss, the tick joined to it the loss at the end; of a failed run the mark is its end.",
    "The loss that decides is the validation loss where there is one, else the training loss: the mean of that at the"
    " best epoch and at the end. <b>The best rate lies between …</b>: 80% interval of where the best rate of a dense"
    " sweep with five seeds would lie, from a smooth curve through the rates (a Gaussian process). Settings that are no"
    " rates are as good as the best if their mean lies within the largest of: 1% of the loss, a thousandth of what"
    " training gained, one standard error over the seeds.",
    "Means leave out runs that failed; the share that failed stands beside them, with Wilson's 95% interval.",
    "<b>Importance</b> of an axis (PED-ANOVA, Watanabe et al. 2023, arXiv 2304.10255): how far the best quarter lies"
    " along it otherwise than all of them, as a share of the sum over the axes.",
    "<b>steps to 90%</b>: updates until the run had made 90% of the best improvement of all members.",
    "<b>LR sensitivity</b> (Wortsman et al. 2023, arXiv 2309.14322): the mean over the swept rates, evenly in their"
    " logarithm, of min(loss at the end, loss at the start) minus the lowest: 0 where any rate does as well.",
)


def write_page(report: Report, figure_data: FigureData, heat: HeatMap | None) -> str:
    """The whole page. Everything that came from the store is escaped."""
    page = files("lrscope.report.output") / "template"
    parts = {name: (page / f"report.{name}").read_text("utf-8") for name in ("html", "css", "js")}
    comparison = report.comparison
    labels = sweep_names(comparison.sweeps).values()
    names = comparison.sweeps[0].title if len(comparison.sweeps) == 1 else " against ".join(labels)
    cells = cells_table(comparison)
    return Template(parts["html"]).substitute(
        title=escape(f"{names} · lrscope"),
        heading=escape(names),
        head=_head(comparison) + what_differs(comparison.sweeps),
        css=parts["css"],
        js=parts["js"],
        loss_heading=escape(_loss_heading(comparison, heat)),
        gaps=html_list("warn", report.gaps),
        recommendations=_cards(comparison, report.recommendations),
        why=why_html(report.failures),
        losses=heat_table(heat) if heat else LOSS_FIGURES,
        cells=html_table(cells) if cells else "",
        axes=what_decides(comparison, report.best),
        settings=_ranking(report),
        members=members_html(comparison, report.best),
        notes=_notes(),
        figure_data=figure_json(comparison, figure_data),
    )


def _loss_heading(comparison: Comparison, heat: HeatMap | None) -> str:
    if heat:
        return f"Loss by {heat.x_label} and {heat.y_label}"
    return f"Loss against {'the rate' if comparison.by_rate else comparison.x_axis}"


LOSS_FIGURES = '<div class="panels" id="losses"></div><div class="legend" id="loss-legend"></div>'


def _head(comparison: Comparison) -> str:
    facts = "".join(f"<div><dt>{escape(f.name)}</dt><dd>{escape(f.value)}</dd></div>" for f in facts_of(comparison))
    links = []
    for sweep in comparison.sweeps:
        address = escape(run_page(sweep, sweep.run_id), quote=True)
        command = escape(command_of(sweep))
        made = f'<code class="made">{command}</code>' if command else ""
        open_it = f'<a href="{address}" target="_blank" rel="noopener">sweep {escape(sweep.run_id[:8])} in MLflow</a>'
        links.append(f'<p class="soft small">{made} {open_it}</p>')
    return f'<dl class="head">{facts}</dl>{"".join(links)}'


def _cards(comparison: Comparison, recommendations: Sequence[Recommendation]) -> str:
    """One card: the recommendation. What further settings came to is a sentence in it, and folded below."""
    if not recommendations:
        return ""
    first, *others = recommendations
    card = _card(first, others_in_words(comparison, tuple(others)))
    if others:
        card += f"<details><summary>{len(others)} more settings</summary>{''.join(map(_card, others))}</details>"
    return card


def _card(recommendation: Recommendation, others: str = "") -> str:
    headline, *rest = recommendation.sentences
    facts = []
    if recommendation.sensitivity is not None:
        facts.append(f"<span>{term('LR sensitivity')} <b>{loss_text(recommendation.sensitivity)}</b></span>")
    facts.append(f"<span>{term('evidence')} <b>{recommendation.evidence}</b></span>")
    commands = "".join(
        f'<p class="try">{escape(reason)}:</p><code class="command">{escape(command)}</code>'
        for reason, command in recommendation.commands
    )
    return (
        f'<section class="card{" none" if recommendation.best is None else ""}">'
        + f'<p class="headline">{escape(headline)}</p>'
        + "".join(f"<p>{explained(sentence)}</p>" for sentence in [*rest, *([others] if others else [])])
        + html_list("warn", recommendation.warnings)
        + commands
        + f'<div class="facts soft small">{"".join(facts)}</div></section>'
    )


def _ranking(report: Report) -> str:
    if report.ranking is None:
        return ""
    table = html_table(ranking_table(report.ranking, report.comparison))
    return f"<h2>{escape(report.ranking.title)}</h2>{table}{html_list('warn', report.ranking.cautions)}"


def _notes() -> str:
    return (
        "<details><summary>How to read this</summary>"
        + "".join(f"<p>{text}</p>" for text in HOW_TO_READ)
        + "</details>"
    )
