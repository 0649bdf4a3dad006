"""What the curves are called, at their right ends: read without going to a legend and back."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.report.analysis.comparison import Row
from lrscope.report.figures.limits import Axis
from lrscope.report.figures.short_names import short_names
from lrscope.report.figures.shown import Curve, EndLabel
from lrscope.report.figures.swept_colours import SweptColours

MOST_LABELS = 10
"""More names than this have no room beside one frame: a legend tells the colours then."""

LONGEST = 22
"""Letters of a name."""

APART = 0.07
"""Share of the frame's height that a line of text takes."""


def end_labels(curves: Sequence[Curve], y: Axis, swept: SweptColours, rows: Sequence[Row]) -> tuple[EndLabel, ...]:
    """One label for the curves of one setting that have one colour, beside the median of their ends; none where they
    are too many, or only one."""
    ends: dict[tuple[str, str], list[float]] = {}
    for curve in curves:
        place = 1.0 if curve.leaves is not None else y.place(float(curve.values[-1]))
        ends.setdefault((swept.keys[curve.row], swept.of_rows[curve.row]), []).append(place)
    if len(rows) < 2 or not all(key for key, _ in ends) or len(ends) > MOST_LABELS:
        return ()
    wanted = sorted((sorted(places)[len(places) // 2], key) for key, places in ends.items())
    places = spread_apart([place for place, _ in wanted])
    texts = short_names([text for _, (text, _) in wanted])
    return tuple(
        EndLabel(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", colour, place)
        for text, place, (_, (_, colour)) in zip(texts, places, wanted, strict=True)
    )


def spread_apart(wanted: Sequence[float]) -> list[float]:
    """Ascending places at least ``APART`` from each other, as near to the wanted ones as that lets them be."""
    blocks: list[tuple[float, int]] = []  # of the centre and the number of labels that touch each other
    for place in wanted:
        blocks.append((place, 1))
        while len(blocks) > 1 and _touch(blocks[-2], blocks[-1]):
            (first, n), (second, m) = blocks[-2], blocks[-1]
            blocks[-2:] = [(_held((first * n + second * m) / (n + m), n + m), n + m)]
    return [centre + (i - (n - 1) / 2) * APART for centre, n in blocks for i in range(n)]


def _touch(lower: tuple[float, int], upper: tuple[float, int]) -> bool:
    return upper[0] - lower[0] < APART * (lower[1] + upper[1]) / 2


def _held(centre: float, count: int) -> float:
    """No label of the block stands outside of the frame, where it has room for all."""
    half = (count - 1) / 2 * APART
    return min(max(centre, half), 1 - half) if half < 0.5 else 0.5
