"""A search over several numbers: where its trials lie on the two that decide most, and how it came to the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import accumulate

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.importance import SweptNumber, value_of
from lrscope.report.figures.colours import MARKS
from lrscope.report.figures.heat_map import nearness
from lrscope.report.figures.limits import Axis, loss_axis
from lrscope.report.output.marks_svg import icon, mark_path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 520, 300, 70, 14, 8, 42
"""Pixels: of a frame with its labels, and around the frame itself."""

PALEST, FULLEST = 0.2, 1.0
"""How strong the mark of the worst and of the best trial that trained to the end is."""

UNTOLD = 0.7
"""That of one which says nothing of its setting's loss."""

PROPOSED = "tpe"
"""The searches whose later trials follow from earlier ones, so that their order tells something."""


def search_figures(comparison: Comparison, axes: Sequence[SweptNumber], best: Row | None) -> str:
    """The map of the trials, and for a search that proposes them its path.

    Args:
        axes: two at least; the first lies along the map, the second up it.
    """
    figures = [_map(comparison, axes[0], axes[1], best)]
    if any(row.member.params.get("search.method") == PROPOSED for row in comparison.rows):
        figures.append(_path(comparison, best))
    seen = {row.member.outcome for row in comparison.rows}
    words = "".join(f"<span>{icon(outcome)} {escape(outcome)}</span>" for outcome in MARKS if outcome in seen)
    stronger = f"the stronger a mark, the {comparison.judge.better} its {escape(comparison.loss)}"
    key = f'<div class="legend">{words}<span>{stronger}</span><span>ring: the recommended</span></div>'
    return f'<div class="panels search">{"".join(figures)}</div>{key}'


def _map(comparison: Comparison, x_key: SweptNumber, y_key: SweptNumber, best: Row | None) -> str:
    x, y = _axis(x_key), _axis(y_key)
    costs = [row.score for row in comparison.rows if row.trained] or [0.0]
    marks = []
    for row in sorted(comparison.rows, key=lambda row: (row.trained, -row.score)):  # the best on top
        across, up = value_of(row, x_key.key), value_of(row, y_key.key)
        if across is not None and up is not None:
            strength = UNTOLD
            if row.trained:
                strength = PALEST + (FULLEST - PALEST) * nearness(row.score, min(costs), max(costs))
            marks.append(_mark(row, x.place(across), y.place(up), strength, row is best))
    words = f"Map of {len(marks)} trials over {x_key.key} and {y_key.key}"
    return _frame("where the trials lie", words, x, y, "".join(marks))


def _path(comparison: Comparison, best: Row | None) -> str:
    """Trials in the order in which they began, each at what it came to, and a line at the best so far."""
    rows = sorted(comparison.rows, key=lambda row: (row.member.begun, row.member.name))
    ends = [row.final if row.member.pruned is not None else row.score for row in rows]
    trained = [end for row, end in zip(rows, ends, strict=True) if row.trained]
    others = [end for row, end in zip(rows, ends, strict=True) if not row.trained]
    y = loss_axis(comparison.loss, trained or [0.0, 1.0], others, comparison.start)
    x = Axis("trial", 0, len(rows) + 1)
    lowest = [*accumulate((row.score if row.trained else math.inf for row in rows), min)]
    points = [(x.place(n), y.place(low)) for n, low in enumerate(lowest, start=1) if math.isfinite(low)]
    line = "L".join(f"{_across(a):.1f},{_down(b):.1f}" for a, b in _steps(points))
    made = [f'<path class="mean" d="M{line}" stroke="{MARKS["trained"].colour}"/>'] if points else []
    made += [
        _mark(row, x.place(number), y.place(end), 0.8, row is best)
        for number, (row, end) in enumerate(zip(rows, ends, strict=True), start=1)
    ]
    title = f"what they came to, in their order; line: the best {escape(comparison.loss)} so far"
    return _frame(title, f"Path of {len(rows)} trials", x, y, "".join(made), comparison.judge.value)


def _steps(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """A line that is level up to the next point."""
    before = points[0]
    for across, up in points:
        yield across, before[1]
        yield across, up
        before = (across, up)


def _axis(swept: SweptNumber) -> Axis:
    """With a little room at either end, for marks that lie there."""
    if swept.log:
        room = (swept.high / swept.low) ** 0.03
        return Axis(swept.key, swept.low / room, swept.high * room, True)
    room = 0.03 * (swept.high - swept.low)
    return Axis(swept.key, swept.low - room, swept.high + room)


def _across(place: float) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _down(place: float) -> float:
    return TOP + (1 - place) * (HEIGHT - TOP - FOOT)


def _mark(row: Row, across: float, up: float, strength: float, best: bool) -> str:
    mark, at = MARKS[row.member.outcome], f"translate({_across(across):.1f},{_down(up):.1f})"
    ring = f'<circle r="9" fill="none" stroke="{MARKS["trained"].colour}" stroke-width="2"/>' if best else ""
    shape = f'<path d="{mark_path(row.member.outcome)}" fill="{mark.colour}" fill-opacity="{strength:.2f}"/>'
    return f'<g transform="{at}">{shape}{ring}<title>{escape(row.member.name)}: {escape(row.member.fate)}</title></g>'


def _frame(
    title: str, words: str, x: Axis, y: Axis, inside: str, told: Callable[[float], float] = lambda value: value
) -> str:
    """A figure of the page: the frame with its grid, ticks and labels around what is drawn inside.

    Args:
        told: what stands at a value of ``y``: a cost is told as the metric that it is of.
    """
    lines = []
    for value, place in _ticks(x):
        at = _across(place)
        lines.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - FOOT}"/>')
        lines.append(f'<text x="{at:.1f}" y="{HEIGHT - FOOT + 16}" text-anchor="middle">{value:g}</text>')
    for value, place in _ticks(y):
        at = _down(place)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{told(value):g}</text>')
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - FOOT) / 2
    frame = f"M{LEFT},{TOP}V{HEIGHT - FOOT}H{WIDTH - RIGHT}"
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(words)}">{"".join(lines)}<path class="frame" d="{frame}"/>{inside}'
        f'<text class="title" x="{middle_x}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x.label)}</text>'
        f'<text class="title" transform="translate(12,{middle_y}) rotate(-90)" text-anchor="middle">{escape(y.label)}'
        "</text></svg></figure>"
    )


def _ticks(axis: Axis) -> Iterator[tuple[float, float]]:
    """Round values and where they lie: powers of ten, or four even steps of 1, 2 or 5."""
    if axis.log:
        first, last = math.ceil(math.log10(axis.low)), math.floor(math.log10(axis.high))
        every = max(1, (last - first) // 5)
        values = [10.0**power for power in range(first, last + 1, every)]
        if len(values) < 2:
            values = [float(f"{axis.low * (axis.high / axis.low) ** (k / 3):.1g}") for k in range(4)]
    else:
        rough = (axis.high - axis.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        values = [step * k for k in range(math.ceil(axis.low / step), math.floor(axis.high / step) + 1)]
    for value in dict.fromkeys(values):
        if axis.low <= value <= axis.high:
            yield value, axis.place(value)
