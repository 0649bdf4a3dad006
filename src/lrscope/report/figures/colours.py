"""One scale for rates and one mark per verdict, the same in figures, page and MLflow, on light and dark ground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lrscope.core.verdict import Mark, Verdict

SCALE = (
    "#4138ba", "#6832c2", "#892cc2", "#a72eb7", "#be3aa2", "#d04a88",
    "#dd5d6e", "#e66f54", "#eb833a", "#e9990e", "#dcb30f",
)  # fmt: skip
"""Low rates dark and cool, high ones light and warm: hues of matplotlib's plasma, lightness in even steps of OKLab from
0.44 to 0.78, so that the order shows without colour vision and every step stands out from white and from near black."""

CATEGORIES = ("#0072b2", "#d55e00", "#009e73", "#b05fc4", "#b98a00", "#3aa6dd", "#8c6d4f", "#7f868f")
"""For settings without an order (schedulers, optimizers): after Okabe and Ito 2008, darker where too light on white."""


MARKS: Mapping[str, Mark] = {
    **{verdict.label: verdict.meaning.mark for verdict in Verdict.from_best_to_worst()},
    "crashed": Mark("#d5420f", "*", "bold red"),
    "running": Mark("#8f98a3", "^", "cyan"),
    "stopped": Mark("#8f98a3", ">", "yellow"),
    Verdict.UNKNOWN.label: Verdict.UNKNOWN.meaning.mark,
}
"""By ``Member.outcome``, in the order of a legend; those of the verdicts as ``core/verdict.py`` has them."""


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


def on_scale(place: float) -> str:
    """The colour at a place between 0 and 1 of the scale."""
    exact = min(max(place, 0.0), 1.0) * (len(SCALE) - 1)
    index = min(int(exact), len(SCALE) - 2)
    part = exact - index
    pairs = zip(_channels(SCALE[index]), _channels(SCALE[index + 1]), strict=True)
    return "#" + "".join(f"{round(low + (high - low) * part):02x}" for low, high in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
