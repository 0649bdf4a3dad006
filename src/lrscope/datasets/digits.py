"""The handwritten digits that come with scikit-learn: 1,797 real 8×8 images of the digits 0 to 9."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data
from lrscope.datasets.split import stratified


def digits(
    name: str = "digits", seed: int = 0, val_fraction: float = 0.2, classes: Sequence[int] | None = None
) -> Data:
    """1,437 training and 360 validation images, float32 [N, 1, 8, 8] in 0 to 1.

    Args:
        seed: decides which images validate; each class keeps its share.
        classes: some of the digits, at least two; the first of them becomes class 0. None takes all.

    Raises:
        InputError: classes that are none.

    Source: E. Alpaydin and C. Kaynak, UCI "Optical Recognition of Handwritten Digits" (its test part).
    """
    table, chosen = torch.from_numpy(_table()), _checked(classes)
    if classes is not None:
        table = table[torch.isin(table[:, 64].long(), torch.tensor(chosen))]
    inputs = table[:, :64].float().div_(16).view(-1, 1, 8, 8)
    number_of = torch.tensor([chosen.index(k) if k in chosen else -1 for k in range(10)])
    train, val = stratified(inputs, number_of[table[:, 64].long()], val_fraction, seed)
    source = f"scikit-learn's bundled digits ({len(table):,} real 8x8 images), split by seed {seed}"
    return Data(name, "classification", train, val, classes=tuple(map(str, chosen)), source=source)


def _checked(classes: Sequence[int] | None) -> list[int]:
    if classes is None:
        return list(range(10))
    chosen = list(classes) if isinstance(classes, (list, tuple)) else []
    if len(chosen) < 2 or len(set(chosen)) < len(chosen) or not all(type(k) is int and 0 <= k <= 9 for k in chosen):
        rule = "must list at least two of the digits 0 to 9, each once"
        raise InputError(Problem("dataset.classes", str(classes), rule, "Try dataset.classes=[5,6,7,8,9]."))
    return chosen


def _table() -> NDArray[np.float64]:
    """[1797, 65]: 64 pixels in 0 to 16 and the digit, from the file that ``load_digits`` reads.

    Not by calling it: importing scikit-learn takes longer than training on this data does.
    """
    package = find_spec("sklearn")
    assert package is not None and package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    return np.loadtxt(gzip.decompress(file.read_bytes()).decode().splitlines(), delimiter=",")
