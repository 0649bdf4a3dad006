"""A split of classification data into a training and a validation part that keeps the share of each class."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Part


def stratified(inputs: Tensor, targets: Tensor, val_fraction: float, seed: int) -> tuple[Part, Part]:
    """Training and validation part, the latter of ``ceil(N * val_fraction)`` examples; ``targets`` int64 [N].

    Each class gives its share, rounded so that the sizes add up (largest remainder). Both parts keep the order of the
    data. scikit-learn's ``train_test_split`` does the same, but importing it takes longer than a short run.

    Raises:
        InputError: the fraction leaves a part without an example of some class.
    """
    if not 0 < val_fraction < 1:
        raise _cannot(val_fraction, "it has to lie between 0 and 1")
    generator = torch.Generator().manual_seed(seed)
    classes, counts = targets.unique(return_counts=True)
    validates = torch.zeros(len(targets), dtype=torch.bool)
    for which, count, share in zip(classes, counts.tolist(), _shares(counts.tolist(), val_fraction), strict=True):
        if not 0 < share < count:
            raise _cannot(val_fraction, f"class {int(which)} has {count} examples, and each part needs one")
        members = (targets == which).nonzero().squeeze(1)
        validates[members[torch.randperm(count, generator=generator)[:share]]] = True
    return Part(inputs[~validates], targets[~validates]), Part(inputs[validates], targets[validates])


def _shares(counts: list[int], fraction: float) -> list[int]:
    """How many examples of each class validate."""
    exact = [count * fraction for count in counts]
    shares = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(counts)), key=lambda k: shares[k] - exact[k])
    for k in by_remainder[: math.ceil(sum(counts) * fraction) - sum(shares)]:
        shares[k] += 1
    return shares


def _cannot(val_fraction: float, why: str) -> InputError:
    return InputError(Problem("dataset.val_fraction", str(val_fraction), f"cannot split: {why}", "Use e.g. 0.2."))
