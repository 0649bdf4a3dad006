"""A network of timm, for images."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, cast

from torch import nn

from lrscope.core.errors import InputError, Problem
from lrscope.core.needed_package import needed_package
from lrscope.core.pretrained_name import in_brief, not_of_the_hub


def timm(input_shape: Sequence[int], outputs: int, name: str | None = None, pretrained: bool = True) -> nn.Module:
    """[N, C, H, W] to [N, outputs], as ``timm.create_model`` makes it; its classifier is the head.

    Args:
        name: as timm has it, ``resnet18``.
        pretrained: False starts from random weights.

    Raises:
        InputError: timm is missing or cannot be imported, has no such network, or the weights cannot be had.
    """
    if len(input_shape) != 3:
        rule = f"takes images [channels, height, width], but an example is of shape {list(input_shape)}"
        raise InputError(Problem("model", "timm", rule, "Use dataset=images, or model=mlp."))
    if not name:
        raise InputError(Problem("model.name", "null", "names no network", "Add model.name=resnet18."))
    with needed_package("timm", "model", "timm", "vision"):
        import timm as package
        from huggingface_hub.constants import HF_HUB_OFFLINE
    if ":" not in name and not package.is_model(name.partition(".")[0]):
        near = get_close_matches(name, package.list_models(), 2)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "timm.list_models() lists them."
        raise InputError(Problem("model.name", name, "timm has no such network", remedy))
    try:
        weights: Any = package.get_pretrained_cfg(name)
        source = getattr(weights, "hf_hub_id", None) if pretrained and not HF_HUB_OFFLINE else None
        if source and (why := not_of_the_hub(source)):
            raise OSError(f"the Hugging Face hub does not give its weights: {why}")
        made: Any = package.create_model(name, pretrained=pretrained, num_classes=outputs, in_chans=input_shape[0])
    except Exception as error:  # of the name, the network, the files: each has a class of its own
        remedy = "Connect once to fetch it (HF_HUB_OFFLINE=1 then takes it from here), or add model.pretrained=false."
        raise InputError(Problem("model.name", name, f"cannot be made ({in_brief(error)})", remedy)) from error
    head = made.pretrained_cfg.get("classifier") or ()
    made.head_modules = (head,) if isinstance(head, str) else tuple(head)
    return cast(nn.Module, made)
