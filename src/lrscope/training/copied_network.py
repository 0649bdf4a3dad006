"""Copies of a network that hold its frozen part once: a body is many times larger than what is trained of it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


def copied(network: nn.Module) -> Any:
    """A copy that trains by itself; its frozen parameters are others, with the same memory until one is moved."""
    with torch.no_grad():
        frozen = {id(p): nn.Parameter(p.data, requires_grad=False) for p in network.parameters() if not p.requires_grad}
    return copy.deepcopy(network, dict(frozen))


def share_frozen(first: nn.Module, other: nn.Module) -> bool:
    """Let the other network take the memory of the first one's frozen parameters where they are the same; whether all
    of them were.
    """
    theirs = dict(first.named_parameters())
    alike = True
    for name, parameter in other.named_parameters():
        if not parameter.requires_grad and (same := theirs[name]) is not parameter:
            if torch.equal(same.data, parameter.data):
                parameter.data = same.data
            else:
                alike = False
    return alike
