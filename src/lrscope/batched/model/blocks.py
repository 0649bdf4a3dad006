"""An update rule over all members, a block of weights at a time that a processor's cache holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from lrscope.batched.model.update_rules import Update

BLOCK = 2**17
"""Weights that are updated at once on a processor: with gradients and moments some 1 MiB."""


def update_in_blocks(
    update: Update,
    weights: Tensor,
    gradients: Tensor,
    state: dict[str, Tensor],
    coefficients: Mapping[str, Tensor],
    flags: Mapping[str, bool],
) -> None:
    """Apply ``update`` to weights, gradients and state [M, P] with coefficients [M, 1].

    A rule works entry by entry, so that the blocks give what everything at once gives, but in one pass through memory
    instead of one for each of its operations.
    """
    if weights.device.type != "cpu" or weights.numel() <= BLOCK:
        update(weights, gradients, state, coefficients, flags)
        return
    for rows, columns in _blocks(*weights.shape):
        update(
            weights[rows, columns],
            gradients[rows, columns],
            {name: tensor[rows, columns] for name, tensor in state.items()},
            {name: column[rows] for name, column in coefficients.items()},
            flags,
        )


def _blocks(members: int, width: int) -> Iterator[tuple[slice, slice]]:
    wide = min(width, BLOCK)
    high = max(1, BLOCK // wide)
    for row in range(0, members, high):
        for column in range(0, width, wide):
            yield slice(row, row + high), slice(column, column + wide)
