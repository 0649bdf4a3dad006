"""Texts of a file, whichever kind it is, and what their tokens are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.given_file import refuse
from lrscope.datasets.table_file import Table, read_table
from lrscope.datasets.vocabulary import SPLIT

LINE = "text"
"""What the one column of a file without columns is called."""


@dataclass(frozen=True)
class SequenceChoice:
    """How texts become examples; see :func:`lrscope.datasets.sequences.sequences`."""

    text: str | None = None
    target: str | None = None
    tokens: str = "auto"
    length: int = 64
    most_tokens: int = 10_000
    seed: int = 0
    val_fraction: float = 0.2
    tokenizer: str | None = None


def read_texts(file: Path, key: str) -> Table:
    """A table; of a .txt file with one column, a text on each line that is not empty.

    Raises:
        InputError: the file cannot be read.
    """
    import pandas as pd

    if file.suffix.lower() != ".txt":
        return read_table(file, key)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        refuse(file, f"line {line}: the byte {error.object[error.start]:#04x} is not UTF-8", "Save it as UTF-8.", key)
    numbers = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbers:
        refuse(file, "is empty", "Put a text on each line.", key)
    return Table(file, pd.DataFrame({LINE: [lines[number - 1] for number in numbers]}, dtype=object), numbers)


def text_column(table: Table, choice: SequenceChoice) -> str:
    """The column of the texts.

    Raises:
        InputError: there is none of that name, or it is not clear which is meant.
    """
    there = [str(column) for column in table.frame.columns]
    for key, column in (("dataset.text", choice.text), ("dataset.target", choice.target)):
        if column is not None and column not in there:
            remedy = f"It has {', '.join(there[:20])}."
            raise InputError(Problem(key, column, f"{table.file} has no such column", remedy))
    if choice.text is not None:
        return choice.text
    left = [column for column in there if column != choice.target]
    if len(left) != 1:
        rule = f"{table.file} has the columns {', '.join(there)}, and it is not clear which holds the texts"
        raise InputError(Problem("dataset.text", "null", rule, "Add dataset.text=COLUMN."))
    return left[0]


def token_kind(table: Table, column: str, choice: SequenceChoice) -> str:
    """What a token is: as it was chosen, else by what stands there."""
    if choice.tokens != "auto":
        return choice.tokens
    if all(re.fullmatch(r"[\d\s]+", text) for text in texts_of(table, column)):
        return "ids"
    return "words" if choice.target is not None else "characters"


def check_tokenizer(choice: SequenceChoice) -> None:
    """Raise an InputError where a tokenizer is given and something that it would not go by."""
    if choice.tokenizer is None:
        return
    if choice.target is None:
        rule = "is for the classes of texts, and no column of them is named"
        raise InputError(Problem("dataset.tokenizer", choice.tokenizer, rule, "Add dataset.target=COLUMN."))
    for key, value, usual in (("tokens", choice.tokens, "auto"), ("most_tokens", choice.most_tokens, 10_000)):
        if value != usual:
            rule = "the tokenizer says what the tokens are"
            raise InputError(Problem(f"dataset.{key}", str(value), rule, "Leave out one of the two."))


def check_ids(table: Table, choice: SequenceChoice, key: str) -> None:
    """Raise an InputError where a token id is no whole number, with its line."""
    if choice.tokens != "ids":
        return
    for row, text in enumerate(texts_of(table, str(choice.text))):
        odd = next((token for token in text.split() if not token.isdecimal()), None)
        if odd is not None:
            rule = f"{table.place(row)}, column {choice.text}: {odd!r} is no token id"
            refuse(table.file, rule, "Write whole numbers between spaces, or use dataset.tokens=words.", key)


def texts_of(table: Table, column: str) -> list[str]:
    """An empty one where nothing stands."""
    values = table.frame[column]
    return [str(text) for text in values.astype(object).where(values.notna(), "")]


def split_texts(table: Table, choice: SequenceChoice) -> list[list[str]]:
    """The tokens of each text."""
    return [SPLIT[choice.tokens](text) for text in texts_of(table, str(choice.text))]
