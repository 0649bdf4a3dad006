"""What a module remembers beside its weights: numbers, texts and tensors in plain attributes, of metrics too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

LIGHTNINGS = frozenset({*vars(nn.Module()), *vars(pl.LightningModule()), "configure_optimizers", "training"})
"""Attributes that every module has, and that the training sets by itself."""

Remembered = dict[str, dict[str, Any]]
"""By the name of a part of the module, then by attribute: plain data, which ``weights_only`` reads."""


class Memory:
    """Of one module. Tensors are kept where they were changed or exchanged since the memory was made: one that holds a
    data set is none of what training remembers.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._before = {(part, name): _mark(value) for part, name, value in _tensors(module)}
        self._known: set[tuple[str, str]] = set()

    def keep(self) -> Remembered:
        """What it remembers now."""
        found: Remembered = {}
        for part, owner in self._module.named_modules():
            for name, value in vars(owner).items():
                if name not in LIGHTNINGS and is_plain(value) and not isinstance(value, Tensor):
                    found.setdefault(part, {})[name] = _copied(value)
        for part, name, value in _tensors(self._module):
            if self._before.get((part, name)) != _mark(value) or (part, name) in self._known:
                found.setdefault(part, {})[name] = _copied(value)
        return found

    def recall(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember that again, on the device where each tensor was."""
        parts = dict(self._module.named_modules())
        for part, values in kept.items():
            for name, value in values.items():
                if part in parts and name not in LIGHTNINGS:
                    self._known.add((part, name))
                    _put(parts[part], name, _placed(value, self._module))


def is_plain(value: Any) -> bool:
    """Whether it is data and nothing but data."""
    if isinstance(value, dict):
        return type(value) is dict and all(type(key) in (str, int) and is_plain(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return type(value) in (list, tuple) and all(map(is_plain, value))
    return type(value) in (int, float, bool, str, type(None), Tensor)


def _tensors(module: nn.Module) -> list[tuple[str, str, Tensor]]:
    """Those that are no parameters, and no buffers that a state_dict has."""
    found = []
    for part, owner in module.named_modules():
        found += [(part, k, v) for k, v in vars(owner).items() if type(v) is Tensor and k not in LIGHTNINGS]
        left_out = owner._non_persistent_buffers_set
        found += [(part, k, v) for k, v in owner._buffers.items() if k in left_out and v is not None]
    return found


def _mark(value: Tensor) -> tuple[int, int]:
    return id(value), value._version


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return type(value)(map(_copied, value)) if isinstance(value, (list, tuple)) else value


def _placed(value: Any, module: nn.Module) -> Any:
    if isinstance(value, Tensor):
        first = next(module.parameters(), torch.empty(()))
        return value.to(first.device)
    if isinstance(value, dict):
        return {key: _placed(one, module) for key, one in value.items()}
    return type(value)(_placed(one, module) for one in value) if isinstance(value, (list, tuple)) else value


def _put(owner: nn.Module, name: str, value: Any) -> None:
    if name in owner._buffers:
        owner._buffers[name] = value
    else:
        vars(owner)[name] = value
