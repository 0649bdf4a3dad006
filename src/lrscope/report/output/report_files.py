"""The report as files: page, figures, tables; the caller keeps them as artifacts of the parent run."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lrscope.report.analysis.comparison import Cell, Comparison, Group
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Sweep, gaps
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.figures.heat_map import heat_map_of
from lrscope.report.output.columns import Value, columns
from lrscope.report.output.page import write_page
from lrscope.report.output.report import Report, report_of
from lrscope.report.output.sweep_note import write_note

POINTS_OF_FIGURES = 600
POINTS_OF_PAGE = 9_000
"""Points per frame of the page, shared by its curves: bounds the file at a few hundred kB."""


@dataclass(frozen=True)
class ReportFiles:
    """Where the report lies, the parent's note, and what it recommends (the best setting first)."""

    html: Path
    pngs: tuple[Path, ...]
    csv: Path
    json: Path
    note_markdown: str
    recommendation: Recommendation | None
    recommendations: tuple[Recommendation, ...]


def write_report(
    sweeps: Sweep | Sequence[Sweep], folder: Path, themes: Sequence[str] = ("light",), figures: bool = True
) -> ReportFiles:
    """Write ``report.html``, ``loss_vs_rate.png``, ``curves.png``, ``members.csv`` and ``members.json``.

    Args:
        sweeps: one sweep, or several to be shown side by side.
        folder: is made where it does not exist; files of an earlier report are replaced.
        themes: of the PNG files: ``light``, ``dark`` (``…-dark.png``). The page has both.
        figures: False leaves the PNG files out, and with them matplotlib's second of loading.
    """
    report = report_of(sweeps)
    comparison, first = report.comparison, report.first
    heat = heat_map_of(comparison, first)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    points = max(POINTS_OF_PAGE // max(len(comparison.rows), 1), 40)
    page.write_text(write_page(report, figure_data_of(comparison, first, min(points, 500)), heat), "utf-8")
    table, data = folder / "members.csv", folder / "members.json"
    _write_csv(comparison, table)
    data.write_text(json.dumps(_as_json(report), indent=1, allow_nan=False), "utf-8")
    pngs: tuple[Path, ...] = ()
    if figures:
        from lrscope.report.figures.draw import draw_figures

        pngs = draw_figures(comparison, figure_data_of(comparison, first, POINTS_OF_FIGURES), heat, folder, themes)
    return ReportFiles(page, pngs, table, data, write_note(report), first, report.recommendations)


def _write_csv(comparison: Comparison, path: Path) -> None:
    """Full precision; empty where there is no value. Text that a spreadsheet would run as a formula is quoted."""
    shown = columns(comparison)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run_id", "name", *(column.key for column in shown), "why"])
        for row in comparison.rows:
            member = row.member
            values = [_csv_value(column.value(row)) for column in shown]
            writer.writerow([member.run_id, _csv_value(member.name), *values, _csv_value(member.why)])


def _csv_value(value: Value) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = str(value)
    return "'" + text if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _as_json(report: Report) -> dict[str, Any]:
    comparison, ranking = report.comparison, report.ranking
    return {
        "sweeps": [
            {"run_id": s.run_id, "name": s.name, "experiment": s.experiment, "axes": s.axes, "missing": gaps(s)}
            for s in comparison.sweeps
        ],
        "loss": comparison.loss,
        "direction": "max" if comparison.judge.rises else "min",
        "axis": comparison.x_axis,
        "recommendations": [_plain(asdict(recommendation)) for recommendation in report.recommendations],
        "cells": [_cell(group, cell, comparison.judge) for group in comparison.groups for cell in group.cells],
        "ranking": _plain(asdict(ranking)) if ranking else None,
        "why": [
            {
                "who": failure.label, "verdict": failure.verdict.label, "members": failure.seeds.count,
                "of": failure.seeds.total, "why": failure.why,
            }
            for failure in report.failures
        ],
        "members": _members(comparison),
    }  # fmt: skip


def _cell(group: Group, cell: Cell, judge: JudgedBy) -> dict[str, Any]:
    best, final = (_plain(asdict(judge.estimate(costs))) if costs else None for costs in (cell.best, cell.final))
    return {"group": group.label, "x": cell.x, "best": best, "final": final, "failed": asdict(cell.failed)}


def _members(comparison: Comparison) -> list[dict[str, Any]]:
    shown = columns(comparison)
    return [
        {
            "run_id": row.member.run_id,
            "name": row.member.name,
            **{column.key: _plain(column.value(row)) for column in shown},
            "why": row.member.why,
        }
        for row in comparison.rows
    ]


def _plain(value: Any) -> Any:
    """JSON has no nan and no inf: the first is null, the second a word."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
