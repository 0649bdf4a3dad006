"""Optimizers and modules of a user's that leave some of the parameters out, by mistake or on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional


class FirstLayer(torch.optim.SGD):
    """Was given all of them, and keeps two."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.1) -> None:
        super().__init__(list(params)[:2], lr=lr)


class Outer(torch.optim.SGD):
    """Steps the first two itself, and the others by an optimizer of its own."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.1) -> None:
        own = list(params)
        super().__init__(own[:2], lr=lr)
        self.inner = torch.optim.SGD(own[2:], lr=lr)

    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        self.inner.step()
        return super().step(closure)


class Forgetful(pl.LightningModule):
    """Its configure_optimizers takes the body, and forgets the head."""

    def __init__(self, outputs: int = 3, lr: float = 0.05) -> None:
        super().__init__()
        self.lr = lr
        self.body, self.head = nn.Linear(5, 4), nn.Linear(4, outputs)

    def training_step(self, batch: Any) -> Tensor:
        return functional.cross_entropy(self.head(self.body(batch[0]).relu()), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.body.parameters(), lr=self.lr)


class FrozenHead(Forgetful):
    """Leaves it out on purpose."""

    def __init__(self, outputs: int = 3, lr: float = 0.05) -> None:
        super().__init__(outputs, lr)
        self.head.requires_grad_(False)


class Teacher(Forgetful):
    """Has a copy that answers without a gradient, and trains all the rest."""

    def __init__(self, outputs: int = 3, lr: float = 0.05) -> None:
        super().__init__(outputs, lr)
        self.teacher = nn.Linear(5, outputs)

    def training_step(self, batch: Any) -> Tensor:
        with torch.no_grad():
            taught = self.teacher(batch[0])
        return super().training_step(batch) + 0 * taught.sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD([*self.body.parameters(), *self.head.parameters()], lr=self.lr)


class Two(Forgetful):
    """One optimizer for each half, but for a parameter."""

    def __init__(self, outputs: int = 3, lr: float = 0.05) -> None:
        super().__init__(outputs, lr)
        self.automatic_optimization = False

    def training_step(self, batch: Any) -> Tensor:
        loss = super().training_step(batch)
        for optimizer in self.optimizers():  # type: ignore[union-attr]
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in self.optimizers():  # type: ignore[union-attr]
            optimizer.step()
        return loss

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(self.body.parameters(), lr=self.lr), torch.optim.SGD([self.head.weight], lr=self.lr)]
