"""What the optimizers of a module do that steps them by itself: the rates of an update, and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from lrscope.training.measures import grad_norm, rates_by_group


class ManualSteps:
    """Looks on while optimizers step. An update is a batch in which at least one of them did.

    Args:
        on_first: called ahead of the first step of an update.
        measured: whether the gradient of this update is wanted.
    """

    def __init__(
        self,
        module: pl.LightningModule,
        optimizers: Sequence[Optimizer],
        on_first: Callable[[], None],
        measured: Callable[[], bool],
    ) -> None:
        self._optimizers, self._names = list(optimizers), names_of(module, optimizers)
        self._on_first, self._measured = on_first, measured
        self._norms: dict[int, Tensor] = {}
        self._rates: dict[str, float] = {}
        self.made = False
        """Whether one of them has stepped since ``take``."""
        for number, optimizer in enumerate(optimizers):
            optimizer.register_step_pre_hook(self._before(number))

    @property
    def rate(self) -> float:
        """Of the first group of the first optimizer, now."""
        return float(self._optimizers[0].param_groups[0]["lr"])

    def take(self) -> tuple[dict[str, float], Tensor | None]:
        """Of the update that is over: the rate of each group by name, none where there is but one; and the length of
        the gradient over all optimizers that stepped, where it was wanted.
        """
        several = len(self._optimizers) > 1 or len(self._optimizers[0].param_groups) > 1
        rates, norms = self._rates if several else {}, list(self._norms.values())
        self._rates, self._norms, self.made = {}, {}, False
        return rates, torch.linalg.vector_norm(torch.stack(norms)) if norms else None

    def _before(self, number: int) -> Callable[..., None]:
        def hook(optimizer: Optimizer, _arguments: Any, _named: Any) -> None:
            if not self.made:
                self.made = True
                self._on_first()
            for group, rate in rates_by_group(optimizer).items():
                alone = len(optimizer.param_groups) == 1 and self._names[number]
                self._rates[alone or f"{self._names[number]}/{group}".strip("/")] = rate
            if number not in self._norms and self._measured():
                self._norms[number] = grad_norm(p for group in optimizer.param_groups for p in group["params"])

        return hook


def names_of(module: pl.LightningModule, optimizers: Sequence[Optimizer]) -> list[str]:
    """Each by the child of the module that it trains, where that is one; else by its class, with a number where two are
    alike. A single one needs no name.
    """
    if len(optimizers) == 1:
        return [""]
    owner = {p: name.partition(".")[0] for name, p in module.named_parameters()}
    names = []
    for optimizer in optimizers:
        owners = {owner.get(p, "") for group in optimizer.param_groups for p in group["params"]}
        names.append(owners.pop() if len(owners) == 1 and "" not in owners else type(optimizer).__name__)
    return [name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names)]
