"""What of other rows the training rows say nothing about: words that none of them has, and empty fields."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from lrscope.datasets.given_file import refuse
from lrscope.datasets.table_columns import NumberColumn, TablePreprocessing, WordColumn, as_numbers, as_words
from lrscope.datasets.table_file import Table

if TYPE_CHECKING:
    import pandas as pd

MOST_WORDS_TOLD = 3


def unseen(validates: Table, train: Table, learned: TablePreprocessing, refused: bool) -> list[str]:
    """A line for each column of words some of which no training row has.

    Args:
        refused: stop at the first.

    Raises:
        InputError: it is ``refused`` and there is one.
    """
    told = []
    for column in learned.columns:
        if not isinstance(column, WordColumn):
            continue
        rows = _rows_by_word(validates.frame[column.name], frozenset(as_words(train.frame[column.name])))
        if refused and rows:
            word, places = next(iter(rows.items()))
            rule = f"{validates.place(places[0])}, column {column.name}: no training row has {word!r}"
            more = f", as of {len(rows) - 1} more" if len(rows) > 1 else ""
            remedy = "Put such rows into the training file, or use dataset.missing=fill."
            refuse(validates.file, rule + more, remedy, "dataset.val_path")
        if rows:
            found = [f"{word!r} in {_count(places)}" for word, places in list(rows.items())[:MOST_WORDS_TOLD]]
            others = list(rows.values())[MOST_WORDS_TOLD:]
            found += [f"{len(others)} others in {_count([p for places in others for p in places])}"] if others else []
            first = validates.place(next(iter(rows.values()))[0])
            told.append(
                f"column {column.name}: no training row has {', '.join(found)} (the first is {first}): taken for none"
            )
    return told


def taken_for(learned: TablePreprocessing, raw: pd.DataFrame) -> list[list[str]]:
    """Of each row what is taken for something else, in words."""
    notes: list[list[str]] = [[] for _ in range(len(raw))]
    for column in learned.columns:
        if isinstance(column, NumberColumn):
            for row in np.flatnonzero(np.isnan(as_numbers(raw[column.name]))).tolist():
                notes[row].append(f"{column.name} is empty: taken for the training rows' mean, {column.mean:.4g}")
            continue
        for word, rows in _rows_by_word(raw[column.name], column.words, empty=True).items():
            what = f"{word!r} is unknown" if word else "is empty"
            for row in rows:
                notes[row].append(f"{column.name} {what}: taken for none")
    return notes


def _rows_by_word(values: pd.Series, known: Collection[str], empty: bool = False) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, word in enumerate(as_words(values)):
        if word not in known and (word or empty):
            found.setdefault(str(word), []).append(row)
    return found


def _count(rows: list[int]) -> str:
    return f"{len(rows)} row{'s' * (len(rows) != 1)}"
