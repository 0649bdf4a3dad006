"""A data set of the Hugging Face hub, by the package ``datasets``: images, texts or a table, as its columns tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part
from lrscope.datasets.image_files import ImagePreprocessing
from lrscope.datasets.sequences import data_of_texts
from lrscope.datasets.split import split_rows
from lrscope.datasets.table import TableChoice, data_of_table
from lrscope.datasets.table_file import Table
from lrscope.datasets.text_file import SequenceChoice

if TYPE_CHECKING:
    from datasets import Dataset

VAL_SPLITS = ("validation", "valid", "val", "dev")
OFFLINE = "Connect once to fetch it, or give files of your own: dataset=table, images, arrays, sequences."


def hub(
    name: str | None = None,
    subset: str | None = None,
    split: str = "train",
    val_split: str | None = None,
    inputs: str | None = None,
    target: str | None = None,
    size: int | Sequence[int] = 64,
    length: int = 64,
    seed: int = 0,
    val_fraction: float = 0.2,
) -> Data:
    """Images float32 [N, C, H, W], token ids int64 [N, length], or the columns of a table; see ``image_folder``,
    ``sequences`` and ``table``, which do the work.

    Args:
        name: as the hub has it (``mnist``, ``user/name``), or a folder. subset: its configuration.
        split, val_split: the parts that train and validate; None takes its own validation part, or draws one by
            ``seed``.
        inputs: the column of images or texts; None takes the only such, or all columns of a table.
        target: the column to predict; None takes the only one of classes.

    Raises:
        InputError: the package is not installed, the hub cannot be reached, there is no such set or column.
    """
    loaded = _loaded(name, subset)
    train = _part(loaded, split, "dataset.split")
    val_split = val_split or next((word for word in VAL_SPLITS if word in loaded), None)
    val = _part(loaded, val_split, "dataset.val_split") if val_split is not None else None
    goal = target or _only(train, "ClassLabel", "target")
    column = inputs or _only(train, "Image", "inputs", needed=False)
    _check_column(train, column, "dataset.inputs")
    _check_column(train, goal, "dataset.target")
    if column is not None and type(train.features[column]).__name__ == "Image":
        sides = (size, size) if isinstance(size, int) else (size[0], size[1])
        return _images(str(name), train, val, (column, goal), ImagePreprocessing(sides, 3), (val_fraction, seed))
    tables = [_table(str(name), part) if part is not None else None for part in (train, val)]
    assert tables[0] is not None
    texts = [
        key
        for key, kind in train.features.items()
        if str(getattr(kind, "dtype", "")).endswith("string") and key != goal
    ]
    if column is not None or len(texts) == len(train.features) - 1 == 1:
        column = column or texts[0]
        choice = SequenceChoice(column, goal, "auto", length, seed=seed, val_fraction=val_fraction)
        return data_of_texts(str(name), tables[0], tables[1], choice)
    return data_of_table(str(name), tables[0], tables[1], TableChoice(goal, seed=seed, val_fraction=val_fraction))


def _loaded(name: str | None, subset: str | None) -> dict[str, Dataset]:
    """Its parts by their names."""
    if not name:
        raise InputError(Problem("dataset.name", "null", "which set of the hub is meant?", "Add dataset.name=mnist."))
    try:
        from datasets import load_dataset
    except ImportError as error:
        remedy = "Install it: pip install -c constraints.txt datasets."
        rule = f"needs the package datasets ({error})"
        raise InputError(Problem("dataset", "hub", rule, remedy)) from error
    try:
        return dict(load_dataset(name, subset))
    except Exception as error:  # of the network, the hub, its files: each has a class of its own
        words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        rule = f"cannot be had ({words[:200].rstrip('. ')})"
        raise InputError(Problem("dataset.name", name, rule, OFFLINE)) from error


def _part(loaded: dict[str, Dataset], split: str, key: str) -> Dataset:
    if split not in loaded:
        raise InputError(Problem(key, split, "there is no such part", f"It has {', '.join(loaded)}."))
    return loaded[split]


def _only(part: Dataset, kind: str, what: str, needed: bool = True) -> Any:
    """The name of the only column of that kind; None of none, where it is not needed."""
    found = [key for key, feature in part.features.items() if type(feature).__name__ == kind]
    if len(found) == 1 or (not found and not needed):
        return found[0] if found else None
    rule = f"it is not clear which column is meant: {len(found)} are of the kind {kind}"
    raise InputError(Problem(f"dataset.{what}", "null", rule, f"It has {', '.join(part.features)}."))


def _check_column(part: Dataset, column: str | None, key: str) -> None:
    if column is not None and column not in part.features:
        raise InputError(Problem(key, column, "there is no such column", f"It has {', '.join(part.features)}."))


def _table(name: str, part: Dataset) -> Table:
    """Classes by their names."""
    frame = part.to_pandas()
    for key, feature in part.features.items():
        if type(feature).__name__ == "ClassLabel":
            frame[key] = [feature.names[number] if number >= 0 else None for number in frame[key]]
    return Table(Path(name), frame)


def _images(
    name: str,
    train: Dataset,
    val: Dataset | None,
    columns: tuple[str, str],
    preprocessing: ImagePreprocessing,
    drawn: tuple[float, int],
) -> Data:
    image, goal = columns
    if type(train.features[goal]).__name__ != "ClassLabel":
        raise InputError(Problem("dataset.target", goal, "holds no classes", "Choose a column that does."))
    how = "its own part"
    if val is None:
        rows = split_rows(torch.tensor(train[goal]), *drawn)
        train, val = (train.select(chosen.tolist()) for chosen in rows)
        how = f"drawn by seed {drawn[1]}"
    pairs = [([row[image] for row in part], torch.tensor(part[goal])) for part in (train, val)]
    parts = [Part(preprocessing.inputs(pictures), labels) for pictures, labels in pairs]
    return Data(
        name,
        "classification",
        parts[0],
        parts[1],
        classes=tuple(train.features[goal].names),
        source=f"{name} of the hub: {len(parts[0])} images train, {len(parts[1])} validate ({how})",
        val_is_drawn=how.startswith("drawn"),
        preprocessing=preprocessing,
    )
