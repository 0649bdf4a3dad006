"""LightningModules that are wrong in one way each."""

# ruff: noqa: ARG002  Lightning decides what steps are given

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from own_modules import Plain
from torch import nn


class NoStep(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 2)


class Unvalidated(Plain):
    """What is wrong shows in its training."""

    validation_step = pl.LightningModule.validation_step


class GivesNothing(Plain):
    def training_step(self, batch: Any) -> Any:
        super().training_step(batch)


class Detached(Plain):
    def training_step(self, batch: Any) -> Any:
        return super().training_step(batch).detach()


class OfAConstant(Plain):
    def training_step(self, batch: Any) -> Any:
        return torch.ones((), requires_grad=True) * 2


class PerExample(Plain):
    def training_step(self, batch: Any) -> Any:
        return self(batch[0]).square().mean(1)


class Broadcasts(Unvalidated):
    """Answers [N, 1] against targets [N]: the loss compares each with all."""

    def training_step(self, batch: Any) -> Any:
        return nn.functional.mse_loss(self(batch[0])[:, :1], batch[1].float())


class GivesText(Plain):
    def training_step(self, batch: Any) -> Any:
        return "0.5"


class DictWithoutLoss(Plain):
    def training_step(self, batch: Any) -> Any:
        return {"cost": super().training_step(batch)}


class WantsDepth(Plain):
    def __init__(self, input_shape: tuple[int, ...], outputs: int, depth: int) -> None:
        super().__init__(input_shape, outputs)


class WantsThree(Unvalidated):
    def training_step(self, batch: Any) -> Any:
        inputs, targets, _weights = batch
        return super().training_step((inputs, targets))


class CannotValidate(Plain):
    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        raise KeyError("labels")


class OtherLogger(Unvalidated):
    def training_step(self, batch: Any) -> Any:
        self.logger.experiment.add_scalar("a", 1.0)  # type: ignore[union-attr]
        return super().training_step(batch)


class Exits(Unvalidated):
    def training_step(self, batch: Any) -> Any:
        raise SystemExit(3)


class NeverSteps(Unvalidated):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.automatic_optimization = False

    def training_step(self, batch: Any) -> Any:
        loss = super().training_step(batch)
        self.manual_backward(loss)
        return loss


class TellsNoLoss(NeverSteps):
    def training_step(self, batch: Any) -> None:
        Plain.training_step(self, batch).backward()
        self.optimizers().step()  # type: ignore[union-attr]


class Normed(Plain):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.layers = nn.Sequential(nn.Linear(input_shape[0], 4), nn.BatchNorm1d(4), nn.Linear(4, outputs))


class Lazy(Plain):
    def __init__(self, input_shape: tuple[int, ...] = (4,), outputs: int = 3) -> None:
        super().__init__(input_shape, outputs)
        self.layers = nn.Sequential(nn.LazyLinear(4), nn.Linear(4, outputs))


class NoOptimizer(Plain):
    def configure_optimizers(self) -> None:
        return None


class TwoAtOnce(Plain):
    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (self.layers[0], self.layers[3])]


def made(input_shape: tuple[int, ...], outputs: int) -> pl.LightningModule:
    return Plain(input_shape, outputs)
