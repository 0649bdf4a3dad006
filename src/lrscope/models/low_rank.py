"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv 2106.09685) in a pretrained network, by the package peft."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from lrscope.core.errors import InputError, Problem
from lrscope.core.needed_package import needed_package

KEY = "model.lora"

SCALE = 2
"""``lora_alpha`` over the rank, as peft's guides have it."""


def add_adapters(network: nn.Module, rank: int, head: Sequence[str]) -> None:
    """Beside each linear layer of the body two small matrices are trained; the body itself is frozen, the head is not.

    Args:
        head: names of its modules or parameters in ``network``.

    Raises:
        InputError: peft is missing, the rank is below 1, or the body has no linear layer.
    """
    if rank < 1:
        raise InputError(Problem(KEY, str(rank), "must be at least 1: the rank of the adapters", f"Use e.g. {KEY}=8."))
    layers = [
        name for name, layer in network.named_modules() if isinstance(layer, nn.Linear) and not _within(name, head)
    ]
    if not layers:
        raise InputError(Problem(KEY, str(rank), "the body has no linear layer to adapt", "Leave it out."))
    with needed_package("peft", KEY, str(rank), "lora"):
        from peft import LoraConfig, inject_adapter_in_model
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=layers), network)
    for name, weights in network.named_parameters():
        if _within(name, head):
            weights.requires_grad_(True)


def _within(name: str, parts: Sequence[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)
