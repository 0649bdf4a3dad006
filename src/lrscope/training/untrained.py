"""Parameters that the loss depends on and that no optimizer holds, though nobody froze them: they would stay as they
are, and nothing in the curves says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn
from torch.optim import Optimizer

MOST_NAMED = 3


def untrained(network: nn.Module, optimizers: Iterable[Optimizer]) -> str | None:
    """These parameters in words, ``2 of 6 parameters (out.weight, out.bias)``; None where all are trained or frozen.

    Args:
        network: that was taken backward, if possible: what then has no gradient is no part of the training (a teacher,
            a copy that is averaged).
    """
    held = {id(p) for optimizer in optimizers for group in _groups(optimizer) for p in group["params"]}
    mine = dict(network.named_parameters())
    knows = any(p.grad is not None for p in mine.values())
    names = [
        name for name, p in mine.items() if p.requires_grad and id(p) not in held and (p.grad is not None or not knows)
    ]
    if not names or len(names) == len(mine):
        return None
    listed = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    return f"{len(names)} of {len(mine)} parameters ({listed})"


def words_on_untrained(target: str, found: str | None) -> list[str]:
    """The line ahead of the training.

    Args:
        target: what makes the optimizer.
        found: what :func:`untrained` found.
    """
    remedy = "hand them to it, or freeze them by requires_grad_(False)"
    return [f"{target}: its optimizer does not hold {found}, which stay as they are; {remedy}"] if found else []


def _groups(optimizer: Any) -> Iterator[Any]:
    """Of an optimizer, and of those that it steps in its turn."""
    yield from optimizer.param_groups
    for value in vars(optimizer).values():
        for inner in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(inner, Optimizer) and inner is not optimizer:
                yield from _groups(inner)
