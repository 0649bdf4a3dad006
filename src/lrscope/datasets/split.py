"""A split into a training and a validation part by a seed; of classes each keeps its share."""

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
    _check_fraction(val_fraction)
    classes, counts = targets.unique(return_counts=True)
    shares = _shares(counts.tolist(), val_fraction)
    for which, count, share in zip(classes, counts.tolist(), shares, strict=True):
        if not 0 < share < count:
            raise _cannot(val_fraction, f"class {int(which)} has {count} examples, and each part needs one")
    validates = _drawn(targets, classes, shares, seed)
    return Part(inputs[~validates], targets[~validates]), Part(inputs[validates], targets[validates])


def split_rows(targets: Tensor, val_fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """The numbers of the rows that train and of those that validate, int64, ascending.

    Args:
        targets: int64 [N]: each class gives its share, one too small for that trains whole. Anything else: rows are
            drawn whatever their targets.

    Raises:
        InputError: there are too few rows for two parts.
    """
    _check_fraction(val_fraction)
    as_classes = not targets.is_floating_point() and targets.dim() == 1
    groups = targets if as_classes else torch.zeros(len(targets), dtype=torch.int64)
    classes, counts = groups.unique(return_counts=True)
    shares = [
        min(share, count - 1)
        for share, count in zip(_shares(counts.tolist(), val_fraction), counts.tolist(), strict=True)
    ]
    if not sum(shares):
        raise _cannot(val_fraction, f"of {len(targets)} examples none would be left to validate")
    validates = _drawn(groups, classes, shares, seed)
    return (~validates).nonzero().squeeze(1), validates.nonzero().squeeze(1)


def _drawn(targets: Tensor, classes: Tensor, shares: list[int], seed: int) -> Tensor:
    """Whether each example validates: of every class so many, drawn by the seed."""
    generator = torch.Generator().manual_seed(seed)
    validates = torch.zeros(len(targets), dtype=torch.bool)
    for which, share in zip(classes, shares, strict=True):
        members = (targets == which).nonzero().squeeze(1)
        validates[members[torch.randperm(len(members), generator=generator)[:share]]] = True
    return validates


def _check_fraction(val_fraction: float) -> None:
    if not 0 < val_fraction < 1:
        raise _cannot(val_fraction, "it has to lie between 0 and 1")


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
