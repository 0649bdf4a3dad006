"""The columns of a table as numbers that a network takes: what they are made with is learned of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.datasets.given_file import refuse
from lrscope.datasets.table_file import Table

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]

MOST_WORDS = 100
"""So many words of a column get an input each, the most frequent ones."""

NAMES = 0.5
"""A column of more than ``MOST_WORDS`` words of which more than this share of the rows has its own holds names."""


@dataclass(frozen=True)
class NumberColumn:
    """One input: ``(value - mean) / deviation``; 0 where nothing stands."""

    name: str
    mean: float
    deviation: float

    @property
    def width(self) -> int:
        return 1

    def encode(self, values: pd.Series) -> Numbers:
        """[N, 1]."""
        return np.nan_to_num((as_numbers(values) - self.mean) / self.deviation)[:, None]


@dataclass(frozen=True)
class WordColumn:
    """An input for each word: 1 where it stands, else 0. All are 0 for another word, and where nothing stands."""

    name: str
    words: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.words)

    def encode(self, values: pd.Series) -> Numbers:
        """[N, words]."""
        texts = as_words(values)
        return np.stack([texts == word for word in self.words], axis=1).astype(np.float64)


@dataclass(frozen=True)
class TablePreprocessing:
    """From rows of a table to inputs, as the training rows decided it."""

    columns: tuple[NumberColumn | WordColumn, ...]
    missing: str = "fill"
    """``refuse``: rows with an empty field, or a word that no training row has, are no inputs."""

    def inputs(self, raw: pd.DataFrame) -> Tensor:
        """Rows as float32 [N, inputs]; ``raw`` has these columns, as texts or as numbers, and may have others."""
        encoded = [column.encode(raw[column.name]) for column in self.columns]
        return torch.from_numpy(np.concatenate(encoded, axis=1).astype(np.float32))


def as_numbers(values: pd.Series) -> Numbers:
    """Texts and numbers as numbers; nan where nothing stands, and where a text is no number."""
    import pandas as pd

    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def as_words(values: pd.Series) -> NDArray[Any]:
    """Anything as texts; an empty one where nothing stands."""
    return values.astype(object).where(values.notna(), "").astype(str).to_numpy(dtype=object)


def holds_numbers(table: Table, column: str) -> bool:
    """Whether a column holds numbers; False for words.

    Raises:
        InputError: it holds both, mostly numbers, or things that are neither.
    """
    import pandas as pd

    values = table.frame[column]
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return True
    there = values[values.notna()]
    odd = next((value for value in there if not isinstance(value, (str, int, float))), None)
    if odd is not None:
        rule = f"the column {column} holds a {type(odd).__name__}, neither numbers nor words"
        refuse(table.file, rule, f"Make numbers of it, or leave it out: dataset.drop=[{column}].")
    numeric = int(np.isfinite(as_numbers(there)).sum())
    if not len(there) or numeric * 2 <= len(there):
        return not len(there)
    if numeric < len(there):
        check_numbers(table, column, f"Mend it, leave the field empty, or take all for words: {_category(column)}.")
    return True


def check_numbers(table: Table, column: str, remedy: str, key: str = "dataset.path") -> Numbers:
    """The numbers of a column, nan where nothing stands.

    Raises:
        InputError: something else stands there; the first place of it.
    """
    values = table.frame[column]
    found = as_numbers(values)
    wrong = np.flatnonzero((np.isnan(found) & values.notna().to_numpy()) | np.isinf(found))
    if len(wrong):
        row = int(wrong[0])
        rule = f"{table.place(row)}, column {column}: {str(values.iloc[row])!r} is no finite number"
        refuse(table.file, rule, remedy, key)
    return found


def learn_columns(
    table: Table, columns: Sequence[str], categories: Sequence[str], train: Table, missing: str = "fill"
) -> tuple[TablePreprocessing, list[str]]:
    """How the columns become inputs, and what is to be told of it.

    Args:
        table: says which of them hold numbers.
        categories: columns of numbers that are names of something (postcodes).
        train: the rows that train; all that is learned is learned of them.
        missing: see :class:`TablePreprocessing`.

    Raises:
        InputError: a column that holds neither numbers nor words, or none that tells anything.
    """
    found: list[NumberColumn | WordColumn] = []
    constant, names, notes = [], [], []
    for column in columns:
        numbers = column not in categories and holds_numbers(table, column)
        if numbers and (number := _number_column(train, column)) is not None:
            found.append(number)
        elif not numbers and (word := _word_column(train, column)) is not None:
            found.append(word)
            notes += _rare_words(train, word)
        elif numbers or as_words(train.frame[column]).max() == as_words(train.frame[column]).min():
            constant.append(column)
        else:
            names.append(column)
    if constant:
        notes.append(f"left out, the same in every training row: {', '.join(constant)}")
    if names:
        notes.append(f"left out, words that differ from row to row: {', '.join(names)}")
    if not found:
        refuse(table.file, f"no column tells anything ({'; '.join(notes)})", "Give it columns that do.")
    return TablePreprocessing(tuple(found), missing), notes


def check_columns(table: Table, learned: TablePreprocessing, key: str) -> None:
    """Whether other rows hold numbers where the training rows do.

    Raises:
        InputError: they do not; the first place of it.
    """
    for column in learned.columns:
        if isinstance(column, NumberColumn):
            check_numbers(table, column.name, "Mend it, or leave the field empty.", key)


def _number_column(train: Table, column: str) -> NumberColumn | None:
    """None where it is the same in every row."""
    values = check_numbers(train, column, "Mend it, or leave the field empty.")
    values = values[~np.isnan(values)]
    if not len(values) or values.min() == values.max():
        return None
    return NumberColumn(column, float(values.mean()), float(values.std()))


def _word_column(train: Table, column: str) -> WordColumn | None:
    """None where it is the same in every row, or where nearly every row has its own."""
    import pandas as pd

    words = as_words(train.frame[column])
    counts = pd.Series(words).value_counts()
    if len(counts) < 2 or (len(counts) > MOST_WORDS and len(counts) > NAMES * len(words)):
        return None
    there = [str(word) for word in counts.index if word != ""]
    kept = sorted(there, key=lambda word: (-int(counts[word]), word))[:MOST_WORDS]
    return WordColumn(column, tuple(sorted(kept)))


def _rare_words(train: Table, column: WordColumn) -> list[str]:
    """A line where there are more words than get an input."""
    words = [word for word in as_words(train.frame[column.name]) if word]
    others = [word for word in words if word not in column.words]
    if not others:
        return []
    count = len(set(words))
    return [f"column {column.name}: of {count} words the {MOST_WORDS} most frequent get an input, the others, in"
            f" {len(others)} training rows, are taken for none"]  # fmt: skip


def _category(column: str) -> str:
    return f"dataset.categories=[{column}]"
