"""What the page's script draws, as JSON inside the page."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.figures.colours import MARKS, SCALE
from lrscope.report.figures.loss_words import above_the_frame
from lrscope.report.figures.shown import MANY, CurvePanel, FigureData, LossPanel
from lrscope.report.output.columns import columns
from lrscope.report.output.marks_svg import mark_path


def figure_json(comparison: Comparison, figure_data: FigureData) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(_figure_data(comparison, figure_data), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _figure_data(comparison: Comparison, figure_data: FigureData) -> dict[str, Any]:
    notes = ["mark: best, tick: at the end", *above_the_frame(figure_data)]
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
        "legend": () if figure_data.labelled else figure_data.legend,
        "scale": None if figure_data.labelled else figure_data.scale,
        "ramp": SCALE,
        "band": figure_data.band,
        "best": figure_data.best,
        "notes": notes,
        "many": MANY,
        "marks": {word: {"colour": mark.colour, "path": mark_path(word)} for word, mark in MARKS.items()},
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
    dots = [{**asdict(dot), "best": _short(dot.best), "final": _short(dot.final)} for dot in panel.dots]
    means = [
        [
            {
                "x": mean.x, "n": mean.estimate.n, "mean": _short(mean.estimate.mean),
                "low": _short(mean.estimate.low), "high": _short(mean.estimate.high), "joined": mean.joined,
            }
            for mean in of_group
        ]
        for of_group in panel.means
    ]  # fmt: skip
    return {
        "title": panel.title, "x": asdict(panel.x), "y": asdict(panel.y), "dots": dots, "means": means,
        "shares": panel.shares,
    }  # fmt: skip


def _curve_panel(panel: CurvePanel) -> dict[str, Any]:
    curves = [
        {
            "row": c.row, "steps": c.steps.tolist(), "values": [_short(value) for value in c.values.tolist()],
            "leaves": c.leaves,
        }
        for c in panel.curves
    ]  # fmt: skip
    labels = [asdict(label) for label in panel.labels]
    return {"title": panel.title, "x": asdict(panel.x), "y": asdict(panel.y), "curves": curves, "labels": labels}


def _short(value: float) -> float | None:
    """Four digits draw the same picture; what is not finite is not drawn, and JSON has no word for it."""
    return float(f"{value:.4g}") if math.isfinite(value) else None
