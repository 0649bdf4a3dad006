"""One hue for what was swept and one mark per verdict, the same in figures, page and MLflow, on light and dark ground.

A colour means one thing: the shades of indigo tell rates and settings, every other colour is that of a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lrscope.core.verdict import Mark, Verdict
from lrscope.report.data.stored_sweep import PRUNED_WORDS

SCALE = (
    "#313da8", "#3d49af", "#4a54b6", "#5760bd", "#646bc4", "#7176cb",
    "#7e82d1", "#8b8dd8", "#9898df", "#a5a4e5", "#b2b0ec",
)  # fmt: skip
"""What was swept, in one hue that no verdict has: low rates dark, high ones light, in even steps of OKLab's lightness
from 0.42 to 0.78, so that the order shows without colour vision and every step stands out from white and near black."""


MARKS: Mapping[str, Mark] = {
    **{verdict.label: verdict.meaning.mark for verdict in Verdict.from_best_to_worst()},
    "crashed": Mark("#d5420f", "*", "bold red"),
    "running": Mark("#8f98a3", "^", "cyan"),
    "stopped": Mark("#8f98a3", ">", "yellow"),
    PRUNED_WORDS: Mark("#8f98a3", "d", "dim"),
    Verdict.UNKNOWN.label: Verdict.UNKNOWN.meaning.mark,
}
"""By ``Member.outcome``, in the order of a legend; those of the verdicts as ``core/verdict.py`` has them."""


WORKS = next(iter(MARKS.values())).colour
"""The colour of the best verdict, also of what works without one."""


def rate_colours(rates: Sequence[float | None]) -> list[str]:
    """A colour (#hex) for each rate by its place in the logarithm between the lowest and the highest; grey without one.

    Equal rates get equal colours; where there is only one rate it gets the middle of the scale.
    """
    logs = [math.log(rate) if rate is not None and rate > 0 else None for rate in rates]
    known = [value for value in logs if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return [
        MARKS["unknown"].colour if value is None else on_scale((value - low) / (high - low) if high > low else 0.5)
        for value in logs
    ]


def category_colours(count: int) -> list[str]:
    """Colours for settings without an order, as far apart on the scale as their number allows."""
    return [on_scale(i / (count - 1) if count > 1 else 0.2) for i in range(count)]


def member_colour(outcome: str, failed: bool, swept: str) -> str:
    """A member's colour: that of its verdict where it failed, else that of what was swept."""
    return MARKS[outcome].colour if failed and outcome in MARKS else swept


def on_scale(place: float) -> str:
    """The colour at a place between 0 and 1 of the scale."""
    exact = min(max(place, 0.0), 1.0) * (len(SCALE) - 1)
    index = min(int(exact), len(SCALE) - 2)
    part = exact - index
    pairs = zip(_channels(SCALE[index]), _channels(SCALE[index + 1]), strict=True)
    return "#" + "".join(f"{round(low + (high - low) * part):02x}" for low, high in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
