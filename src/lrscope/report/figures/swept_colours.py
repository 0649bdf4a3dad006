"""Which colour and dash each member has, and what they tell."""

from __future__ import annotations

from dataclasses import dataclass

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.figures.colours import category_colours, member_colour, rate_colours
from lrscope.report.figures.shown import name_of, names_on_x

DASHES = 4
"""Kinds of line that an eye tells apart."""


@dataclass(frozen=True)
class SweptColours:
    """As in ``FigureData``; ``of_rows`` and ``dashes`` belong to the rows of the comparison, ``keys`` name them."""

    of_rows: tuple[str, ...]
    dashes: tuple[int, ...]
    keys: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str], ...]
    scale: tuple[float, float] | None


def swept_colours(comparison: Comparison) -> SweptColours:
    """Rates lie on the scale, settings without an order are shades of it; members that failed show their verdict."""
    rows = comparison.rows
    labels = [group.label for group in comparison.groups]
    rates = [row.member.rate for row in rows if row.member.rate]
    by_rate = comparison.by_rate and len(set(rates)) > 1
    names = labels if len(labels) > 1 else names_on_x(comparison)
    shades = dict(zip(names, category_colours(len(names)), strict=True))
    swept = rate_colours([row.member.rate for row in rows]) if by_rate else [shades[_name(comparison, r)] for r in rows]
    places = {label: i % DASHES for i, label in enumerate(labels if by_rate else names)}
    return SweptColours(
        of_rows=tuple(
            member_colour(row.member.outcome, row.member.failed, colour)
            for row, colour in zip(rows, swept, strict=True)
        ),
        dashes=tuple(places.get(row.group if by_rate else _name(comparison, row), 0) for row in rows),
        keys=tuple(_key(comparison, row, by_rate) for row in rows),
        groups=tuple(zip(labels, category_colours(len(labels)), strict=True)),
        legend=() if by_rate else tuple(shades.items()),
        scale=(min(rates), max(rates)) if by_rate else None,
    )


def _name(comparison: Comparison, row: Row) -> str:
    """What tells its colour where that is no rate."""
    if len(comparison.groups) > 1:
        return row.group
    return name_of(row.x) if row.x is not None else next(iter(names_on_x(comparison)), "")


def _key(comparison: Comparison, row: Row, by_rate: bool) -> str:
    """What a curve is called at its end."""
    if not by_rate:
        return _name(comparison, row)
    rate = name_of(row.x)
    return f"{rate} {row.group}" if len(comparison.groups) > 1 else rate
