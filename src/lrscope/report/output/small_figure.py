"""A small figure of evidence as static SVG: needs no script, and shows on light and dark ground alike."""

from __future__ import annotations

from html import escape

from lrscope.report.figures.limits import Axis
from lrscope.report.output.glossary import explained
from lrscope.report.why.evidence import Evidence, Line

WIDTH, HEIGHT = 236, 104
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 18


def small_figure(evidence: Evidence, colour: str) -> str:
    """One frame with its curves, the ends of both axes labelled.

    Args:
        colour: of the verdict; the recommended member's curve is green.
    """
    first, last = evidence.steps
    frame = f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"
    labels = [
        _text(LEFT - 5, TOP + 7, "end", _words(evidence.y.high)),
        _text(LEFT - 5, HEIGHT - BOTTOM, "end", _words(evidence.y.low)),
        _text(LEFT, HEIGHT - 4, "start", f"step {first:,}"),
        _text(WIDTH - RIGHT, HEIGHT - 4, "end", f"{last:,}"),
    ]
    lines = [_path(line, evidence.y, first, last, colour) for line in evidence.lines]
    return (
        f'<figure class="small-figure"><figcaption>{explained(evidence.title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="{escape(evidence.title, quote=True)}"><path class="frame" d="{frame}"/>'
        f"{''.join(labels)}{''.join(lines)}</svg></figure>"
    )


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _path(line: Line, y: Axis, first: int, last: int, colour: str) -> str:
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    points = [
        (LEFT + width * (int(step) - first) / max(last - first, 1), TOP + height * (1 - y.place(float(value))))
        for step, value in zip(line.steps, line.values, strict=True)
    ]
    path = "M" + "L".join(f"{x:.1f},{at:.1f}" for x, at in points)
    kind = 'class="small reference"' if line.reference else f'class="small" stroke="{colour}"'
    return f'<path {kind} d="{path}"/>'


def _words(value: float) -> str:
    return f"{value:.2g}"
