"""The update of all members, one parameter group after the other, each with the members' own numbers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from lrscope.batched.model.blocks import update_in_blocks
from lrscope.batched.model.numbers import Numbers
from lrscope.batched.model.stack import CannotStack, Stack
from lrscope.batched.model.update_coefficients import Columns
from lrscope.batched.model.update_rules import Rule


class Trained(Protocol):
    """A network and the optimizer over it."""

    @property
    def network(self) -> nn.Module: ...
    @property
    def optimizer(self) -> Optimizer: ...


class GroupUpdates:
    """One rule over all groups.

    Args:
        members: their optimizers have the same groups.
        weights: [M, P], as the stack has them.
        behind: updates that each has skipped.
    """

    def __init__(
        self, rule: Rule, members: Sequence[Trained], weights: Tensor, behind: NDArray[np.int64] | None = None
    ) -> None:
        groups = zip(*(member.optimizer.param_groups for member in members), strict=True)
        self.numbers = [Numbers(own, rule.flags) for own in groups]
        self._rule = rule
        self._columns = [Columns(rule, numbers, weights, behind) for numbers in self.numbers]
        self._pieces = _pieces(members[0])

    def __len__(self) -> int:
        return len(self.numbers)

    def refresh(self, rates: Sequence[Sequence[float]], *, momentum_too: bool = False) -> None:
        """Take over the rates of each group, one a member, and what else schedules move."""
        for numbers, columns, own in zip(self.numbers, self._columns, rates, strict=True):
            if momentum_too or list(own) != numbers["lr"].tolist():
                numbers.refresh(own, momentum_too=momentum_too)
                columns.moved()

    def apply(self, step: int, stack: Stack, state: Mapping[str, Tensor]) -> None:
        """The update with that number (1 is the first)."""
        flags = self.numbers[0].flags
        gradients = stack.gradients.neg() if flags["maximize"] else stack.gradients
        coefficients = [columns.at(step) for columns in self._columns]
        for group, piece in self._pieces:
            own = {name: tensor[:, piece] for name, tensor in state.items()}
            rows = stack.weights[:, piece], gradients[:, piece]
            update_in_blocks(self._rule.update, *rows, own, coefficients[group], flags)


def group_of_each(member: Trained) -> list[int]:
    """The number of the group of each trainable parameter, in the network's order.

    Raises:
        CannotStack: one is in no group.
    """
    groups: list[dict[str, Any]] = member.optimizer.param_groups
    number = {id(parameter): k for k, group in enumerate(groups) for parameter in group["params"]}
    trained = [parameter for parameter in member.network.parameters() if parameter.requires_grad]
    if any(id(parameter) not in number for parameter in trained):
        raise CannotStack("its optimizer does not hold every parameter")
    return [number[id(parameter)] for parameter in trained]


def _pieces(member: Trained) -> list[tuple[int, slice]]:
    """Stretches of a row of weights that belong to one group."""
    sizes = [parameter.numel() for parameter in member.network.parameters() if parameter.requires_grad]
    pieces: list[tuple[int, slice]] = []
    begin = 0
    for group, size in zip(group_of_each(member), sizes, strict=True):
        if pieces and pieces[-1][0] == group:
            pieces[-1] = group, slice(pieces[-1][1].start, begin + size)
        else:
            pieces.append((group, slice(begin, begin + size)))
        begin += size
    return pieces if len(pieces) > 1 else [(0, slice(None))]
