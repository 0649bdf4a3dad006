"""A split of classification data into a training and a validation part that keeps the share of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from lrscope.datasets.data import Part
from lrscope.errors import InputError, Problem


def stratified(inputs: Tensor, targets: Tensor, val_fraction: float, seed: int) -> tuple[Part, Part]:
    """Training and validation part, the latter of ``ceil(N * val_fraction)`` examples; ``targets`` int64 [N].

    Raises:
        InputError: the fraction leaves a part without an example of some class.
    """
    from sklearn.model_selection import train_test_split

    everything = torch.arange(len(targets)).numpy()
    try:
        train, val = train_test_split(everything, test_size=val_fraction, random_state=seed, stratify=targets.numpy())
    except ValueError as error:
        rule = f"cannot split: {error}"
        raise InputError(Problem("dataset.val_fraction", str(val_fraction), rule, "Use e.g. 0.2.")) from error
    parts = [torch.from_numpy(indices).sort().values for indices in (train, val)]
    first, second = (Part(inputs[indices], targets[indices]) for indices in parts)
    return first, second
