"""A table: rows of a CSV, TSV or Parquet file, one column of which is to be predicted from the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part
from lrscope.datasets.given_file import check_choice, given, refuse
from lrscope.datasets.split import split_rows
from lrscope.datasets.table_columns import check_columns, learn_columns
from lrscope.datasets.table_file import Table, read_table
from lrscope.datasets.table_missing import complete
from lrscope.datasets.table_target import meant_target, rare_classes
from lrscope.datasets.table_unseen import unseen

TASKS = ("auto", "classification", "regression")
MISSING = ("fill", "refuse")


@dataclass(frozen=True)
class TableChoice:
    """What of a table is used, and how; see :func:`table`."""

    target: str | None = None
    task: str = "auto"
    seed: int = 0
    val_fraction: float = 0.2
    missing: str = "fill"
    categories: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


def table(
    name: str = "table",
    path: str | None = None,
    target: str | None = None,
    task: str = "auto",
    seed: int = 0,
    val_fraction: float = 0.2,
    val_path: str | None = None,
    missing: str = "fill",
    categories: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> Data:
    """Inputs float32 [N, inputs]: numbers standardised, an input for each word; what that needs is learned of the
    training rows alone. Targets int64 [N] (classes), or float32 [N, 1], standardised: ``Data.target_scale`` knows how.

    Args:
        target: the column to predict.
        task: ``auto`` takes words and few whole numbers for classes, other numbers for numbers.
        seed: decides which rows validate; each class keeps its share.
        val_path: a file with the rows that validate; ``seed`` and ``val_fraction`` are then not read.
        missing: ``fill`` puts the training rows' mean where a number is missing and no word where a word is, and leaves
            rows without a target out; ``refuse`` stops at the first. A word of ``val_path`` that no training row has is
            dealt with likewise.
        categories: columns of numbers that are names of something (postcodes).
        drop: columns that are left out.

    Raises:
        InputError: a file, a column or a value that cannot be used, with its line.
    """
    check_choice("dataset.task", task, TASKS)
    check_choice("dataset.missing", missing, MISSING)
    choice = TableChoice(target, task, seed, val_fraction, missing, tuple(categories), tuple(drop))
    whole, other = read_table(given(path, "table", "houses.csv")), None
    if val_path is not None:
        other = read_table(given(val_path, "table", "more.csv", key="dataset.val_path"), "dataset.val_path")
    return data_of_table(name, whole, other, choice)


def data_of_table(name: str, whole: Table, other: Table | None, choice: TableChoice) -> Data:
    """The data set of a table, and of another one with the rows that validate, where there is one."""
    column, columns = _columns(whole, choice)
    whole, gaps = complete(whole, column, columns, choice.missing, "dataset.path")
    target, meant = meant_target(whole, column, choice.task)
    rare: list[str] = []
    more: list[str] = []
    if other is None:
        train, val = split_rows(target.of(whole), choice.val_fraction, choice.seed)
        rare = rare_classes(whole, target, train, val)
        trains, validates = whole.rows(train.numpy()), whole.rows(val.numpy())
        how = f"drawn by seed {choice.seed}"
    else:
        _check_has(other, [*columns, column], "dataset.val_path")
        trains, (validates, more) = whole, complete(other, column, columns, choice.missing, "dataset.val_path")
        more, how = [f"{other.file.name}: {words}" for words in more], f"from {other.file}"
    learned, left_out = learn_columns(whole, columns, choice.categories, trains, choice.missing)
    check_columns(validates, learned, "dataset.path" if other is None else "dataset.val_path")
    # of one file it is the draw that set such a row apart: nobody could mend that
    refused = choice.missing == "refuse" and other is not None
    where = other.file.name if other is not None else "the rows that validate"
    more += [f"{where}: {words}" for words in unseen(validates, trains, learned, refused)]
    target = target.scaled(trains)
    parts = [Part(learned.inputs(rows.frame), target.of(rows)) for rows in (trains, validates)]
    told = [*whole.notes, *([meant] if choice.task == "auto" else []), *gaps, *more, *left_out, *rare]
    return Data(
        name,
        target.task,
        parts[0],
        parts[1],
        classes=target.classes,
        source=f"{whole.file}: {len(trains)} rows train, {len(validates)} validate ({how})",
        val_is_drawn=other is None,
        notes=tuple(f"{whole.file.name}: {words}" for words in told),
        preprocessing=learned,
        target_scale=target.scale,
    )


def _columns(table: Table, choice: TableChoice) -> tuple[str, list[str]]:
    """The column to predict, and those that it is predicted from."""
    there = [str(column) for column in table.frame.columns]
    if choice.target is None:
        remedy = f"Add dataset.target=COLUMN, one of {', '.join(there[:20])}."
        raise InputError(Problem("dataset.target", "null", "which column is to be predicted has to be said", remedy))
    _check_has(table, [choice.target], "dataset.target")
    _check_has(table, choice.drop, "dataset.drop")
    _check_has(table, choice.categories, "dataset.categories")
    for key, columns in (("drop", choice.drop), ("categories", choice.categories)):
        if choice.target in columns:
            problem = Problem(f"dataset.{key}", choice.target, "is the column to predict", "Leave it out.")
            raise InputError(problem)
    if both := [column for column in choice.categories if column in choice.drop]:
        raise InputError(
            Problem("dataset.categories", both[0], "is left out by dataset.drop", "Name it in one of them.")
        )
    left = [column for column in there if column != choice.target and column not in choice.drop]
    if not left:
        refuse(table.file, f"has no column beside {choice.target}", "There must be one to predict from.")
    return choice.target, left


def _check_has(table: Table, columns: Iterable[str], key: str) -> None:
    there = [str(column) for column in table.frame.columns]
    for column in columns:
        if column not in there:
            rule = f"{table.file} has no such column" if key != "dataset.val_path" else f"has no column {column}"
            value = column if key != "dataset.val_path" else str(table.file)
            lower = {name.lower(): name for name in there}
            near = "".join(f"Did you mean {lower[name]}? " for name in get_close_matches(column.lower(), lower, n=1))
            raise InputError(Problem(key, value, rule, f"{near}It has {', '.join(there[:20])}."))
