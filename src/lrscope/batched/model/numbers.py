"""The optimizers' numbers (rate, momentum, betas …), one of each per member, as arrays on the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Column = NDArray[np.float64]
"""One number per member, float64 [M]."""

_OPTIONAL = ("dampening", "weight_decay", "momentum")


class Numbers:
    """The members' numbers as torch's parameter groups hold them; ``numbers["lr"]`` is float64 [M].

    The groups are the members' own (``optimizer.param_groups[0]``): a schedule that writes a rate, a momentum
    or a beta into its group is followed by ``refresh``."""

    def __init__(self, groups: Sequence[Mapping[str, Any]], flags: Sequence[str] = ()) -> None:
        self._groups = list(groups)
        self.flags = {flag: bool(groups[0].get(flag, False)) for flag in flags}
        self._columns: dict[str, Column] = {}
        self._any: dict[str, bool] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, key: str) -> Column:
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = np.array([self._value(group, key) for group in self._groups], np.float64)
        return column

    def any(self, key: str) -> bool:
        """Whether any member has this number other than 0."""
        known = self._any.get(key)
        if known is None:
            cycled = key == "momentum" and any("max_momentum" in group for group in self._groups)
            known = self._any[key] = cycled or bool(self[key].any())
        return known

    def refresh(self, rates: Sequence[float], *, momentum_too: bool = False) -> None:
        """Take over the rates that the schedules have set; with ``momentum_too`` the momenta and betas as well."""
        self._columns["lr"] = np.array(rates, np.float64)
        if momentum_too:
            for key in ("momentum", "beta1", "beta2"):
                self._columns.pop(key, None)

    @staticmethod
    def _value(group: Mapping[str, Any], key: str) -> float:
        if key in ("beta1", "beta2"):
            return float(group["betas"][key == "beta2"])
        return float(group.get(key, 0.0) if key in _OPTIONAL else group[key])


def distinct(values: Column, function: Callable[[float], float]) -> Column:
    """``function`` of every value in Python's own arithmetic, as torch computes it, once per distinct value."""
    listed = values.tolist()
    results = {value: function(value) for value in set(listed)}
    return np.array([results[value] for value in listed], np.float64)


def to_device(columns: Mapping[str, Column], like: Tensor) -> dict[str, Tensor]:
    """The columns as tensors [M, 1] of the weights' type and device, in one transfer."""
    if not columns:
        return {}
    stacked = torch.from_numpy(np.stack(list(columns.values()))).to(like.dtype).to(like.device, non_blocking=True)
    return dict(zip(columns, stacked.unsqueeze(-1), strict=True))
