"""A table read from a CSV, TSV or Parquet file, with the place of every row for the words of a problem."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrscope.datasets.given_file import refuse

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset(("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "<NA>"))
"""Texts of a field that say that there is nothing."""

SEPARATORS = (",", ";", "\t", "|")
TEXTS, PARQUETS = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
KINDS = "Give a .csv, .tsv or .parquet file."


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by their names; a text file's are texts, None where a field is empty."""

    file: Path
    frame: pd.DataFrame
    lines: Sequence[int] | None = None
    """The line of the file on which each row begins; None of a file that has no lines."""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def place(self, row: int) -> str:
        """``line 7``, or ``row 6`` where the file has no lines."""
        return f"line {self.lines[row]}" if self.lines is not None else f"row {row + 1}"

    def rows(self, chosen: NDArray[np.int64]) -> Table:
        """Some of its rows, in that order."""
        lines = None if self.lines is None else [self.lines[row] for row in chosen.tolist()]
        return Table(self.file, self.frame.iloc[chosen], lines, self.notes)


def read_table(file: Path, key: str = "dataset.path") -> Table:
    """The whole table.

    Raises:
        InputError: another kind of file, an empty one, or one that is damaged; with the line.
    """
    if file.suffix.lower() in PARQUETS:
        table = _read_parquet(file, key)
    elif file.suffix.lower() in TEXTS:
        table = _read_text(file, key)
    else:
        refuse(file, f"files of the kind {file.suffix or '(none)'} are not read", KINDS, key)
    if not len(table):
        refuse(file, "has a header and no row", "Put rows below it.", key)
    return table


def _read_parquet(file: Path, key: str) -> Table:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except ImportError:
        refuse(file, "Parquet files need the package pyarrow", "Install it with pip, or give a .csv file.", key)
    except Exception as error:
        words = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(". ")
        refuse(file, f"cannot be read as Parquet ({words})", "Write it anew.", key)
    frame.columns = [str(name) for name in frame.columns]
    _check_names(file, list(frame.columns), key)
    return Table(file, frame.reset_index(drop=True))


def _read_text(file: Path, key: str) -> Table:
    import pandas as pd

    header, rows, lines = _rows_of(file, key)
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    frame = frame.where(~frame.isin(MISSING), None)
    notes: tuple[str, ...] = ()
    if header[0] == "" and len(header) > 1:
        frame = frame.iloc[:, 1:]
        notes = ("the first column has no name: taken for the numbers of the rows, and left out",)
    _check_names(file, list(frame.columns), key)
    return Table(file, frame, lines, notes)


def _rows_of(file: Path, key: str) -> tuple[list[str], list[list[str]], list[int]]:
    """The header, the fields of each row, and the line on which each begins; empty lines are passed over."""
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            header = opened.readline()
            opened.seek(0)
            if not header:
                refuse(file, "is empty", "Put a header and rows into it.", key)
            reader = csv.reader(opened, delimiter=_separator(file, header), skipinitialspace=True, strict=True)
            names = [name.strip() for name in next(reader, [])]
            line = reader.line_num + 1
            for fields in reader:
                if fields:
                    if len(fields) != len(names):
                        _ragged(file, line, len(fields), names, key)
                    rows.append([field.strip() for field in fields])
                    lines.append(line)
                line = reader.line_num + 1
    except csv.Error as error:
        refuse(file, f"line {line}: cannot be read ({error})", "Look for a quote that is not closed.", key)
    except UnicodeDecodeError:
        line, byte = _first_undecodable(file)
        refuse(file, f"line {line}: the byte {byte:#04x} is not UTF-8", "Save the file as UTF-8.", key)
    except OSError as error:
        refuse(file, f"cannot be read ({error.strerror})", "Give a file that can.", key)
    if not names:
        refuse(file, "line 1: has no names of columns", "Put a header on the first line.", key)
    return names, rows, lines


def _separator(file: Path, header: str) -> str:
    """What stands between the names of the header most often; a tab in a .tsv file."""
    return "\t" if file.suffix.lower() == ".tsv" else max(SEPARATORS, key=header.count)


def _ragged(file: Path, line: int, fields: int, names: Sequence[str], key: str) -> None:
    what = f"lacks {names[fields]!r}" if fields < len(names) else "has fields without a name"
    counted = f"{fields} field{'s' * (fields != 1)} where the header has {len(names)}"
    refuse(file, f"line {line}: {counted}: it {what}", "Mend that line; quote fields that hold the separator.", key)


def _first_undecodable(file: Path) -> tuple[int, int]:
    content = file.read_bytes()
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return content[: error.start].count(b"\n") + 1, content[error.start]
    raise AssertionError("the file has changed while it was read")


def _check_names(file: Path, names: Sequence[str], key: str) -> None:
    for place, name in enumerate(names):
        if not name:
            refuse(file, f"line 1: column {place + 1} has no name", "Name it in the header.", key)
        if name in names[:place]:
            refuse(file, f"line 1: the column {name} stands there twice", "Rename one of them.", key)
