"""Of many members the few rows that a person looks at: the best, its neighbours, and where the verdict changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Row

MOST_ROWS = 24
"""So many members are all shown."""

BESIDE = 2
"""Neighbours of the best on each side that are shown."""


@dataclass(frozen=True)
class Folded:
    """Members with one outcome that stand between two that are shown."""

    rows: tuple[Row, ...]

    @property
    def words(self) -> str:
        return f"{len(self.rows)} more: {self.rows[0].member.outcome}"


def interesting(rows: Sequence[Row], best: Row | None) -> list[Row | Folded]:
    """All of a few; of many those that tell something, what lies between them folded. The order stays."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    place = next((i for i, row in enumerate(rows) if row is best), None)
    shown: list[Row | Folded] = []
    hidden: list[Row] = []
    for i, row in enumerate(rows):
        near = place is not None and abs(i - place) <= BESIDE
        if near or _turns(rows, i):
            shown += [*_folded(hidden), row]
            hidden = []
        else:
            hidden.append(row)
    return [*shown, *_folded(hidden)]


def _turns(rows: Sequence[Row], i: int) -> bool:
    """Whether it is the first or the last of its verdict here."""
    outcome = rows[i].member.outcome
    return i in (0, len(rows) - 1) or outcome != rows[i - 1].member.outcome or outcome != rows[i + 1].member.outcome


def _folded(hidden: list[Row]) -> list[Row | Folded]:
    """One row takes no more room than the word that it is left out."""
    return list(hidden) if len(hidden) < 2 else [Folded(tuple(hidden))]
