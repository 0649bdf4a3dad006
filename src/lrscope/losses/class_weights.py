"""Weights that make every class count alike, however many examples it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Weights = Literal["balanced"] | Sequence[float] | None


def class_weights(weight: Weights, class_shares: Sequence[float]) -> list[float] | None:
    """One weight a class, scaled so that their mean over the examples is 1: rates and losses stay comparable.

    ``balanced`` is the inverse of each class's share, as in scikit-learn.

    Args:
        class_shares: of the training part, empty where it is not known.

    Raises:
        ValueError: there are no shares to balance, or another number of weights than classes.
    """
    if weight is None:
        return None
    if isinstance(weight, str):
        if weight != "balanced":
            raise ValueError(f"weight={weight} is neither balanced nor a list of one number a class")
        if not class_shares:
            raise ValueError("weight=balanced needs the classes of data in memory; give a list of numbers")
        weight = [1 / share if share else 0.0 for share in class_shares]
    weight = [float(one) for one in weight]
    if any(not 0 <= one < float("inf") for one in weight) or not any(weight):
        raise ValueError("weights of classes are finite numbers, 0 or above, not all of them 0")
    if not class_shares:
        return weight
    if len(weight) != len(class_shares):
        raise ValueError(f"weight has {len(weight)} numbers, but there are {len(class_shares)} classes")
    mean = sum(one * share for one, share in zip(weight, class_shares, strict=True))
    return [one / mean for one in weight] if mean > 0 else weight
