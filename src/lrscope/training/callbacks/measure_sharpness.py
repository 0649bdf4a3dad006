"""Measures how sharp the loss is where the network stands, and the largest rate that is stable there."""

from __future__ import annotations

import sys

import pytorch_lightning as pl
from torch import Tensor
from torch.optim import Optimizer

from lrscope.core.run_facts import RunFacts
from lrscope.training.callbacks.evaluate_epochs import Batches
from lrscope.training.callbacks.record_steps import RecordSteps
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.lightning_module import Module
from lrscope.training.measures import (
    Sharpness,
    above_limit,
    is_preconditioned,
    preconditioner,
    sharpness,
    stability_limit,
)


class MeasureSharpness(LeanCallback):
    """Records ``sharpness``, ``stability_limit`` (a rate) and ``sharpness/seconds`` (the cost of the measurement).

    Measured on one fixed batch, the first piece of the training part that an evaluation takes, before the first
    update and after every ``every_epochs``-th epoch. A peak rate above the limit is said before training begins; of an
    optimizer that scales its steps (Adam) there is no limit before its first.
    """

    def __init__(self, steps: RecordSteps, batches: Batches, facts: RunFacts, name: str, every_epochs: int) -> None:
        self.steps = steps
        self.batches = batches
        self.facts = facts
        self.name = name
        self.every_epochs = every_epochs

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.steps.step > 0:
            return  # resumed: the start was measured
        measured = self._measure(pl_module, trainer.optimizers[0], 0)
        warning = None if is_preconditioned(self.facts) else above_limit(self.facts, measured.lambda_max)
        if warning is not None:
            print(f"{self.name}: {warning}", file=sys.stderr)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (trainer.current_epoch + 1) % self.every_epochs == 0:
            self._measure(pl_module, trainer.optimizers[0], self.steps.step - 1)

    def _measure(self, module: pl.LightningModule, optimizer: Optimizer, step: int) -> Sharpness:
        assert isinstance(module, Module)
        inputs, targets = next(iter(self.batches()))
        network = module.network
        training = network.training
        network.eval()

        def loss() -> Tensor:
            return module.loss(network(inputs), targets)

        parameters = [p for p in network.parameters() if p.requires_grad]
        diagonal, known = None, bool(optimizer.state) or not is_preconditioned(self.facts)
        if is_preconditioned(self.facts):
            if not optimizer.state:
                loss().backward()  # before the first step Adam has no state; the gradient stands in for it
            diagonal = preconditioner(optimizer)
            optimizer.zero_grad()
        measured = sharpness(loss, parameters, diagonal)
        network.train(training)
        values = {"sharpness": measured.lambda_max, "sharpness/seconds": measured.seconds}
        limit = stability_limit(self.facts, measured.lambda_max)
        if limit is not None and known:
            values["stability_limit"] = limit
        self.steps.recorder.values(step, values)
        return measured
