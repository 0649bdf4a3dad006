"""What is missing in a table: rows without a target, empty fields; told in a line, or refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrscope.datasets.given_file import refuse
from lrscope.datasets.table_file import Table


def complete(table: Table, target: str, columns: Sequence[str], missing: str, key: str) -> tuple[Table, list[str]]:
    """The rows that have a target, and what is to be told; empty fields of the other columns are only told.

    Raises:
        InputError: something is missing and ``missing`` is ``refuse``, or no row has a target.
    """
    empty = table.frame[[*columns, target]].isna().to_numpy()
    if not empty.any():
        return table, []
    if missing == "refuse":
        row = int(np.flatnonzero(empty.any(1))[0])
        column = [*columns, target][int(np.flatnonzero(empty[row])[0])]
        more = int(empty.sum()) - 1
        rule = f"{table.place(row)}, column {column}: is empty{f', as {more} others are' if more else ''}"
        refuse(table.file, rule, "Fill it, or use dataset.missing=fill.", key)
    without = np.flatnonzero(empty[:, -1])
    if len(without) == len(table):
        refuse(table.file, f"the column {target} is empty in every row", "Choose another: dataset.target=.", key)
    told = []
    if len(without):
        first = table.place(int(without[0]))
        told.append(f"left out, without a {target}: {len(without)} of {len(table)} rows (the first is {first})")
    kept = np.flatnonzero(~empty[:, -1])
    gaps = [_gap(table, column, np.flatnonzero(empty[:, place])) for place, column in enumerate(columns)]
    if found := [words for words in gaps if words]:
        how = "by the training rows' mean, words by none"
        told.append(f"missing values are filled, numbers {how}: {', '.join(found)} (dataset.missing=refuse stops)")
    return (table.rows(kept) if len(without) else table), told


def _gap(table: Table, column: str, rows: np.ndarray) -> str:
    return f"{column} {len(rows)} (the first in {table.place(int(rows[0]))})" if len(rows) else ""
