"""The handwritten digits that come with scikit-learn: 1,797 real 8×8 images of the digits 0 to 9."""

from __future__ import annotations

import torch

from lrscope.datasets.data import Data
from lrscope.datasets.split import stratified


def digits(name: str = "digits", seed: int = 0, val_fraction: float = 0.2) -> Data:
    """1,437 training and 360 validation images, float32 [N, 1, 8, 8] in 0 to 1.

    Args:
        seed: decides which images validate; each class keeps its share.

    Source: E. Alpaydin and C. Kaynak, UCI "Optical Recognition of Handwritten Digits" (its test part).
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    inputs = torch.from_numpy(bunch.images).float().div_(16).unsqueeze(1)
    train, val = stratified(inputs, torch.from_numpy(bunch.target).long(), val_fraction, seed)
    source = f"scikit-learn's bundled digits (1,797 real 8x8 images), split by seed {seed}"
    return Data(name, "classification", train, val, classes=tuple("0123456789"), source=source)
