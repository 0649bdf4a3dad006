"""More than two swept numbers: every member as a line through its values and its loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.importance import SweptNumber, value_of
from lrscope.report.data.axes import format_loss
from lrscope.report.figures.colours import MARKS
from lrscope.report.figures.limits import Axis, loss_axis

BETWEEN, LEFT, RIGHT, TOP, HEIGHT = 210, 70, 90, 34, 250
"""Pixels: from one axis to the next, around them, and how long each is."""

PALEST, FULLEST = 0.12, 0.85
"""How strong the line of the worst and of the best member that trained is."""


def parallel_coordinates(comparison: Comparison, axes: Sequence[SweptNumber], best: Row | None) -> str:
    """A vertical line an axis, the last one what members are judged by with the best at its foot; failed ones end at
    its top in the colour of their verdict.
    """
    judge = comparison.judge
    trained = [row for row in comparison.rows if row.trained]
    costs = [row.score for row in trained] or [0.0, 1.0]
    last = loss_axis(comparison.loss, costs, (), math.nan)
    scales = [_scale(axis) for axis in axes]
    places = [LEFT + BETWEEN * k for k in range(len(axes) + 1)]
    ordered = sorted(comparison.rows, key=lambda row: (row.trained, -row.score, row is best))  # the best on top
    lines = []
    for row in ordered:
        heights = [scale.place(value_of(row, axis.key) or 0.0) for scale, axis in zip(scales, axes, strict=True)]
        ends = last.place(row.score) if row.trained else 1.0
        lines.append(_line(places, [*heights, ends], row, _strength(row, min(costs), max(costs)), row is best))
    marks = [_axis(x, axis.key, scale.low, scale.high) for x, axis, scale in zip(places, axes, scales, strict=False)]
    marks.append(_axis(places[-1], comparison.loss, judge.value(last.low), judge.value(last.high), format_loss))
    width, height = places[-1] + RIGHT, TOP + HEIGHT + 24
    return (
        f'<div class="scroll"><svg class="parallel" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="Parallel coordinates of {len(ordered)} members">{"".join(lines + marks)}</svg></div>'
        f'<div class="legend"><span>a line: one member, the stronger the {judge.better} its {escape(comparison.loss)}'
        " (mean of its best and its end)</span><span>thick: the best</span><span>ending at the top: failed</span></div>"
    )


def _scale(axis: SweptNumber) -> Axis:
    return Axis(axis.key, axis.low, axis.high, axis.log)


def _strength(row: Row, low: float, high: float) -> float:
    if not row.trained:
        return 0.45
    return FULLEST if high == low else FULLEST - (FULLEST - PALEST) * (row.score - low) / (high - low)


def _line(places: Sequence[int], heights: Sequence[float], row: Row, strength: float, best: bool) -> str:
    points = "L".join(f"{x},{TOP + HEIGHT * (1 - high):.1f}" for x, high in zip(places, heights, strict=True))
    colour = MARKS["trained" if row.trained else row.member.outcome].colour
    width = 3.5 if best else 1.3
    return (
        f'<path d="M{points}" stroke="{colour}" stroke-width="{width}" stroke-opacity="{1 if best else strength:.2f}">'
        f"<title>{escape(row.member.name)}</title></path>"
    )


def _axis(x: int, name: str, low: float, high: float, words: Callable[[float], str] = "{:.3g}".format) -> str:
    foot = TOP + HEIGHT
    return (
        f'<line class="ink" x1="{x}" y1="{TOP}" x2="{x}" y2="{foot}"/>'
        f'<text class="title" x="{x}" y="{TOP - 20}" text-anchor="middle">{escape(_short(name))}</text>'
        f'<text x="{x}" y="{TOP - 6}" text-anchor="middle">{words(high)}</text>'
        f'<text x="{x}" y="{foot + 16}" text-anchor="middle">{words(low)}</text>'
    )


def _short(key: str, letters: int = 30) -> str:
    """The end of a long key tells more than its beginning."""
    return key if len(key) <= letters else f"…{key[1 - letters :]}"
