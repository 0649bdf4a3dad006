"""The LightningModule: what a step is, and which optimizer and schedule take it. Nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from lrscope.training.fast_hooks import hide_unused_hooks
from lrscope.training.supported import Loss, Pair

Schedule = LRScheduler | ReduceLROnPlateau


def configured(
    optimizer: Optimizer, schedule: Schedule | None, interval: str, monitor: str | None, frequency: int
) -> Any:
    """An optimizer and its schedule as Lightning takes them; see the arguments of :class:`Module`."""
    if schedule is None:
        return optimizer
    how: dict[str, Any] = {"scheduler": schedule, "interval": interval, "frequency": frequency}
    if isinstance(schedule, ReduceLROnPlateau):
        how |= {"monitor": monitor, "strict": False}
    return {"optimizer": optimizer, "lr_scheduler": how}


class Module(pl.LightningModule):
    """A network with its loss, its optimizer and its schedule.

    Args:
        network: [N, *input_shape] -> [N, outputs].
        loss: mean over the batch of (answers, targets).
        make_optimizer: from the network.
        make_schedule: from the optimizer; None for a constant rate.
        interval: ``step`` or ``epoch``: when the schedule moves.
        take: a batch of a user's loader as (inputs, targets) on the network's device; None where batches are that.
        monitor: the metric that a reduce-on-plateau schedule looks at, at the epochs that have it.
        frequency: the schedule moves at every n-th step of an epoch, or every n-th epoch.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        make_optimizer: Callable[[nn.Module], Optimizer],
        make_schedule: Callable[[Optimizer], Schedule | None],
        interval: str = "step",
        monitor: str | None = None,
        take: Callable[[Any], Pair] | None = None,
        frequency: int = 1,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self._make_optimizer = make_optimizer
        self._make_schedule = make_schedule
        self._interval = interval
        self._monitor = monitor
        self.take = take
        self._frequency = frequency
        self.last_loss = torch.zeros(())
        """Loss of the latest batch, detached: what the recording callback reads."""
        hide_unused_hooks(self, pl.LightningModule)

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes the name of each hook that it calls, some forty times a step; nn.Module would look each time
        # whether a string is a parameter, a buffer or a module. What a loss holds is no weight.
        if name in ("_current_fx_name", "last_loss", "loss"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = batch
        loss = self.loss(self.network(inputs), targets)
        self.last_loss = loss.detach()
        return loss

    # Lightning looks its arguments up at every step; where a function carries its signature, that takes half the time.
    training_step.__signature__ = inspect.signature(training_step)  # type: ignore[attr-defined]

    def configure_optimizers(self) -> Any:
        optimizer = self._make_optimizer(self.network)
        return configured(optimizer, self._make_schedule(optimizer), self._interval, self._monitor, self._frequency)

    def on_fit_start(self) -> None:
        if self.trainer.gradient_clip_val is None:
            object.__setattr__(self, "configure_gradient_clipping", None)  # nothing to clip: Lightning skips it

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Batches of data in memory lie on the device already; asking each tensor again costs as much as a layer."""
        if self.take is not None:
            return self.take(batch)
        if type(batch) is tuple and all(isinstance(t, Tensor) and t.device == device for t in batch):
            return batch
        return super().transfer_batch_to_device(batch, device, dataloader_idx)
