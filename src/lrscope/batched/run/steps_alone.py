"""What keeps a LightningModule from being trained with others as one model: hooks of its own, and what its steps leave
behind.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from inspect import getattr_static
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

from lrscope.batched.model.layers import NORMS
from lrscope.batched.run.step_forward import TakesOnlyOne
from lrscope.training.lightning_class import lightning_class
from lrscope.training.user_module.remembered import LIGHTNINGS

CALLED = frozenset(
    {
        *("forward", "training_step", "validation_step", "configure_optimizers", "extra_repr", "example_input_array"),
        *("test_step", "predict_step", "train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader"),
    }
)
"""What a stack calls of a module, and what training does not call anyway. All else sees one member where it is called
by Lightning, and would see all of them here.
"""

_CALLS_OF_PYTHON = ("__call__", "__setattr__", "__getattr__")

DEEPEST = 4
"""So many objects within each other are looked into."""


def hooks_of_its_own(cfg: DictConfig) -> str | None:
    """Words on hooks that the module's class has beside its steps; None where there are none."""
    kind = lightning_class(cfg)
    assert kind is not None
    own = sorted(n for n in _hooks() if getattr_static(kind, n) is not getattr_static(pl.LightningModule, n))
    return _on_hooks(own) if own else None


def check_no_hooks(module: nn.Module) -> None:
    """Raises:
    TakesOnlyOne: hooks were put into the module itself.
    """
    if own := sorted(name for name, value in vars(module).items() if name in _hooks() and callable(value)):
        raise TakesOnlyOne(_on_hooks(own))


def _hooks() -> set[str]:
    return {name for name in dir(pl.LightningModule) if not name.startswith("_")} - CALLED | {*_CALLS_OF_PYTHON}


def _on_hooks(own: list[str]) -> str:
    return f"its own {', '.join(own)} would see all members at once"


class Marks:
    """What a module's steps could change, as it is now. Whatever is looked at is kept, so that no other object can take
    its identity.
    """

    def __init__(self, module: nn.Module) -> None:
        self._kept: list[Any] = []
        self._module = module
        self._found = {key: self._mark(value, 0) for key, value in self._all().items()}

    def check_unchanged(self, step: str) -> None:
        """Raises:
        TakesOnlyOne: a step has changed something but the statistics of BatchNorm.
        """
        parts, now = dict(self._module.named_modules()), self._all()
        for (part, name), value in now.items():
            if self._found.get((part, name)) == self._mark(value, 0):
                continue
            owner = parts[part]
            if name in owner._buffers and type(owner) in NORMS:
                continue
            raise TakesOnlyOne(f"{step} {_changes(parts, part, name)}")
        if gone := [key for key in self._found if key not in now]:
            raise TakesOnlyOne(f"{step} removes self.{'.'.join(filter(None, gone[0]))}")

    def _all(self) -> dict[tuple[str, str], Any]:
        found: dict[tuple[str, str], Any] = {}
        for part, owner in self._module.named_modules():
            own = {name: value for name, value in vars(owner).items() if name not in LIGHTNINGS}
            for name, value in {**own, **owner._parameters, **owner._buffers}.items():
                found[part, name] = value
        return found

    def _mark(self, value: Any, depth: int) -> Any:
        self._kept.append(value)
        if isinstance(value, Tensor):
            return id(value), value._version
        if isinstance(value, (bool, int, float, str, bytes, type(None))):
            return repr(value)
        if isinstance(value, (type, FunctionType, MethodType, nn.Module)) or depth > DEEPEST:
            return id(value)
        if isinstance(value, Mapping):
            return id(value), [(repr(key), self._mark(one, depth + 1)) for key, one in value.items()]
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            return id(value), [self._mark(one, depth + 1) for one in value]
        own = {key: self._mark(one, depth + 1) for key, one in getattr(value, "__dict__", {}).items()}
        return id(value), own, _state(value)


def _state(value: Any) -> Any:
    """What an object holds that is none of its attributes: numbers of an array, the place of a generator."""
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, np.ndarray):
        return hash(value.tobytes())
    return None if hasattr(value, "__dict__") else repr(value)


def _changes(parts: Mapping[str, nn.Module], part: str, name: str) -> str:
    """Words: ``updates self.acc, a metric``."""
    places = part.split(".") if part else []
    for end in range(1, len(places) + 1):
        above = ".".join(places[:end])
        if isinstance(parts[above], (Metric, MetricCollection)):
            return f"updates self.{above}, a metric"
    shown, owner = f"self.{'.'.join([*places, name])}", parts[part]
    if name in owner._parameters:
        return f"changes {shown}, a parameter"
    return f"changes {shown}, a buffer" if name in owner._buffers else f"sets {shown}"
