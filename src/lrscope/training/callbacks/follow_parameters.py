"""Follows every single parameter of a small model: what a line's weight and bias do from epoch to epoch."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from torch.optim import Optimizer

from lrscope.training.callbacks.evaluate_epochs import Batches
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.evaluation import evaluate
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_module import Module


class FollowParameters(LeanCallback):
    """Records by epoch each scalar parameter (``weight``, ``bias``) after the epoch's last update, its gradient in that
    update (``grad/weight``, ``grad/bias``), and the loss over the training part around it (``loss/before``,
    ``loss/after``).

    Parameters with more than one entry get a number each: ``weight/0``, ``weight/1`` …
    """

    def __init__(self, steps: RecordSteps, batches: Batches) -> None:
        self.steps = steps
        self.batches = batches
        self._gradients: dict[str, float] = {}
        self._before: float | None = None

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        if not trainer.is_last_batch:
            return
        assert isinstance(pl_module, Module)
        self._before = evaluate(pl_module.network, self.batches(), pl_module.loss).loss
        self._gradients = _entries(pl_module.network, gradients=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Module)
        values = _entries(pl_module.network, gradients=False)
        values |= {f"grad/{name}": value for name, value in self._gradients.items()}
        if self._before is not None:
            values["loss/before"] = self._before
        values["loss/after"] = evaluate(pl_module.network, self.batches(), pl_module.loss).loss
        self.steps.recorder.values(self.steps.step - 1, values)


def _entries(network: torch.nn.Module, gradients: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, parameter in network.named_parameters():
        tensor = parameter.grad if gradients else parameter.detach()
        if tensor is None:
            continue
        short = name.rsplit(".", 1)[-1]
        numbers = tensor.flatten().tolist()
        if len(numbers) == 1:
            found[short] = numbers[0]
        else:
            found |= {f"{name}/{k}": number for k, number in enumerate(numbers)}
    return found
