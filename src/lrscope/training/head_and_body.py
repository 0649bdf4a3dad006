"""Which parameters of a network are its head, that turns what it has seen into answers, and which its body."""

from __future__ import annotations

from typing import Any

from torch import nn

HEAD, BODY = "head", "body"

KNOWN_AS = "head_modules"
"""An attribute of a network by which it names the modules of its head."""


def head_names(network: nn.Module) -> frozenset[str]:
    """The parameters of the head: of the modules that the network names in ``head_modules``, else of its last layer."""
    names = [name for name, _ in network.named_parameters()]
    told: Any = getattr(network, KNOWN_AS, None)
    if told:
        return frozenset(n for n in names if any(n == m or n.startswith(f"{m}.") for m in told))
    if not names:
        return frozenset()
    last = names[-1].rpartition(".")[0]
    return frozenset(name for name in names if name.rpartition(".")[0] == last)


def part_of(network: nn.Module, part: str) -> frozenset[str]:
    """The parameters of ``head`` or of ``body``, which is the rest."""
    head = head_names(network)
    return head if part == HEAD else frozenset(name for name, _ in network.named_parameters() if name not in head)
