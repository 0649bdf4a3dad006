"""The state of the members' optimizers: rows of the stack's tensors, and what torch saves of each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lrscope.batched.model.group_updates import Trained
from lrscope.batched.model.numbers import Numbers, to_device
from lrscope.batched.model.stack import Stack
from lrscope.batched.model.update_rules import Rule, start_of


def starting_state(
    members: Sequence[Trained], rule: Rule, numbers: Sequence[Numbers], stack: Stack
) -> dict[str, Tensor]:
    """State tensors [M, P]: as the rule starts them, or as the members' optimizers have them.

    Args:
        numbers: of each parameter group.
    """
    weights = stack.weights
    starts = {name: start_of(name, numbers[0]) for own in numbers for name in rule.state(own)}
    state = {name: column.expand_as(weights).clone() for name, column in to_device(starts, weights).items()}
    for row, member in enumerate(members):
        own = [member.optimizer.state.get(p, {}) for p in _trained(member)]
        for name, tensor in state.items():
            if all(name in saved for saved in own):
                tensor[row] = stack.flat([saved[name] for saved in own])
    return state


def saved_state(
    member: Trained, rule: Rule, stack: Stack, state: Mapping[str, Tensor], row: int, taken: int
) -> dict[str, Any]:
    """The ``state_dict`` of a member's optimizer, as its single run would save it behind so many updates."""
    saved = member.optimizer.state_dict()
    split = {name: list(stack.view(tensor).values()) for name, tensor in state.items()}
    saved["state"] = {}
    everything = [parameter for group in member.optimizer.param_groups for parameter in group["params"]]
    numbers = {id(parameter): number for number, parameter in enumerate(everything)}
    for place, parameter in enumerate(_trained(member)):
        own = {name: views[place][row].clone() for name, views in split.items()}
        if rule.counts_steps:
            own["step"] = torch.tensor(float(taken), dtype=torch.get_default_dtype())
        if own and (taken or parameter in member.optimizer.state):
            saved["state"][numbers[id(parameter)]] = own
    return saved


def updates_taken(member: Trained, steps: int) -> int:
    """Of so many, those that its optimizer has made; one that does not count them has made all, or none."""
    own: Mapping[str, Any] = next((found for p in _trained(member) if (found := member.optimizer.state.get(p))), {})
    return int(own.get("step", steps if own else 0))


def _trained(member: Trained) -> list[Tensor]:
    return [parameter for parameter in member.network.parameters() if parameter.requires_grad]
