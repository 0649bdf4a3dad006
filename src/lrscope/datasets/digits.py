"""The handwritten digits that come with scikit-learn: 1,797 real 8×8 images of the digits 0 to 9."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lrscope.datasets.data import Data
from lrscope.datasets.split import stratified


def digits(name: str = "digits", seed: int = 0, val_fraction: float = 0.2) -> Data:
    """1,437 training and 360 validation images, float32 [N, 1, 8, 8] in 0 to 1.

    Args:
        seed: decides which images validate; each class keeps its share.

    Source: E. Alpaydin and C. Kaynak, UCI "Optical Recognition of Handwritten Digits" (its test part).
    """
    table = torch.from_numpy(_table())
    inputs = table[:, :64].float().div_(16).view(-1, 1, 8, 8)
    train, val = stratified(inputs, table[:, 64].long(), val_fraction, seed)
    source = f"scikit-learn's bundled digits (1,797 real 8x8 images), split by seed {seed}"
    return Data(name, "classification", train, val, classes=tuple("0123456789"), source=source)


def _table() -> NDArray[np.float64]:
    """[1797, 65]: 64 pixels in 0 to 16 and the digit, from the file that ``load_digits`` reads.

    Not by calling it: importing scikit-learn takes longer than training on this data does.
    """
    package = find_spec("sklearn")
    assert package is not None and package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    return np.loadtxt(gzip.decompress(file.read_bytes()).decode().splitlines(), delimiter=",")
