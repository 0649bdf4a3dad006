"""The marks of the verdicts as SVG: one shape each, drawn around 0,0 within 6 pixels."""

from __future__ import annotations

import math

from lrscope.report.figures.colours import MARKS


def _polygon(corners: int, radius: float, turn: float) -> str:
    angles = [turn + 2 * math.pi * i / corners for i in range(corners)]
    return "M" + "L".join(f"{radius * math.sin(a):.2f},{-radius * math.cos(a):.2f}" for a in angles) + "Z"


SHAPES = {
    "o": "M-5,0A5,5 0 1 0 5,0A5,5 0 1 0 -5,0Z",
    ".": "M-3,0A3,3 0 1 0 3,0A3,3 0 1 0 -3,0Z",
    "s": "M-4.4,-4.4H4.4V4.4H-4.4Z",
    "D": _polygon(4, 6, 0),
    "d": "M0,-6L3.2,0L0,6L-3.2,0Z",
    "^": _polygon(3, 6, 0),
    "v": _polygon(3, 6, math.pi),
    "<": _polygon(3, 6, -math.pi / 2),
    ">": _polygon(3, 6, math.pi / 2),
    "p": _polygon(5, 5.6, 0),
    "h": _polygon(6, 5.6, 0),
    "P": "M-1.9,-5.5H1.9V-1.9H5.5V1.9H1.9V5.5H-1.9V1.9H-5.5V-1.9H-1.9Z",
    "X": "M-5.5,-2.9L-2.9,-5.5L0,-2.6L2.9,-5.5L5.5,-2.9L2.6,0L5.5,2.9L2.9,5.5L0,2.6L-2.9,5.5L-5.5,2.9L-2.6,0Z",
    "*": "M0,-6L1.6,-1.9L5.7,-1.9L2.4,0.8L3.6,4.9L0,2.5L-3.6,4.9L-2.4,0.8L-5.7,-1.9L-1.6,-1.9Z",
}
"""By matplotlib's letter of the shape: the page shows the marks that the PNG files have."""


def mark_path(outcome: str) -> str:
    """The path of an outcome's mark."""
    return SHAPES[MARKS[outcome].shape]


def icon(outcome: str) -> str:
    """The mark as a small picture beside a word."""
    mark = MARKS[outcome]
    return (
        f'<svg class="icon" viewBox="-8 -8 16 16" aria-hidden="true">'
        f'<path d="{mark_path(outcome)}" fill="{mark.colour}"/></svg>'
    )
