"""The network and the optimizers under what wraps them, and what cannot be watched, said in a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim import Optimizer

from lrscope.core.errors import InputError, Problem


def network_of(model: Any) -> nn.Module:
    """The module that holds the parameters: without ``torch.compile``'s, DDP's and DataParallel's wrappers.

    Raises:
        InputError: it is no module, or its parameters are spread over processes.
    """
    if not isinstance(model, nn.Module):
        raise _refused("model", model, "is no torch.nn.Module", "Give the network that the optimizer trains.")
    while isinstance(model, (DistributedDataParallel, DataParallel)) or hasattr(model, "_orig_mod"):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module
    if any(hasattr(p, "device_mesh") for p in model.parameters()) or type(model).__name__ == "FullyShardedDataParallel":
        rule = "has its parameters spread over processes (FSDP, DTensor), so that no process sees a whole gradient"
        raise _refused("model", model, rule, "Watch a training under DistributedDataParallel instead.")
    return model


def optimizers_of(optimizer: Any) -> tuple[Optimizer, ...]:
    """The optimizers that make the steps: without what Accelerate or Lightning wraps around them.

    Raises:
        InputError: one is no optimizer of torch's, or trains no parameter.
    """
    given = optimizer if isinstance(optimizer, Sequence) else [optimizer]
    found = tuple(map(_optimizer, given))
    if not found:
        raise _refused("optimizer", "[]", "is empty", "Give the optimizer of the loop.")
    return found


def _optimizer(given: Any) -> Optimizer:
    inner = getattr(given, "optimizer", None)
    if isinstance(inner, Optimizer):
        return _optimizer(inner)
    if not isinstance(given, Optimizer):
        raise _refused("optimizer", given, "is no torch.optim.Optimizer", "Give the one that makes the steps.")
    return given


def trained_by(optimizer: Optimizer) -> list[Tensor]:
    """The parameters of all its groups."""
    return [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]


def hooks_are_seen(model: nn.Module, network: nn.Module) -> bool:
    """Whether hooks on the network's modules run as they stand: not where it, or a part of it, is compiled, and not
    where copies of it run side by side.
    """
    if isinstance(model, DataParallel) or hasattr(model, "_orig_mod"):
        return False
    return not any(_is_compiled(module) for module in network.modules())


def _is_compiled(module: nn.Module) -> bool:
    return getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")


def device_of(network: nn.Module) -> torch.device:
    """The device that the network's first parameter lies on."""
    first = next(network.parameters(), None)
    return first.device if first is not None else torch.device("cpu")


def check_known(key: str, words: Iterable[str], known: Sequence[str]) -> None:
    """Raises:
    InputError: a word is none of those that are known.
    """
    for word in words:
        if word not in known:
            raise _refused(key, word, "is not known here", f"Use {' or '.join(known)}.")


def _refused(key: str, value: Any, rule: str, remedy: str) -> InputError:
    shown = value if isinstance(value, str) else type(value).__name__
    return InputError(Problem(key, shown, rule, remedy))
