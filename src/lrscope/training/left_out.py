"""Parameters that take part in a network's answers and that no optimizer would have: they would stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from lrscope.training.supported import Mismatch


def left_out(network: nn.Module, before: Iterable[int]) -> Mismatch | None:
    """What is wrong with a network that was taken forward and backward; None where it trains as a whole.

    Args:
        before: the identities of its parameters before that.
    """
    known = {id(parameter): name for name, parameter in network.named_parameters()}
    made = [name for number, name in known.items() if number not in set(before)]
    if made:
        rule = f"makes {made[0]} in its forward, when the optimizer is there already"
        return Mismatch(rule, "Make it in __init__; of an unknown size it is a nn.LazyLinear.")
    for name, tensors, is_layer in _attributes(network):
        if any(tensor.is_leaf and tensor.grad is not None and id(tensor) not in known for tensor in tensors):
            rule = f"uses {name}, which torch does not know as its own and no optimizer would train"
            remedy = "Put its layers into a nn.ModuleList" if is_layer else "Make it a nn.Parameter"
            return Mismatch(rule, f"{remedy}; what is to stay as it is gets requires_grad_(False).")
    return None


def _attributes(network: nn.Module) -> Iterator[tuple[str, list[Tensor], bool]]:
    """Attributes that hold tensors beside the registered ones, each with its tensors, and whether these are layers'."""
    for roof, module in network.named_modules():
        for key, value in vars(module).items():
            if not key.startswith("_") and key not in ("training",):
                name = f"{roof}.{key}" if roof else key
                layers = [item for item in _items(value) if isinstance(item, nn.Module)]
                yield name, [tensor for layer in layers for tensor in layer.parameters()], True
                yield name, [item for item in _items(value) if isinstance(item, Tensor)], False


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else (value,)
