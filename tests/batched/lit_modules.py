"""LightningModules whose members train as one model, and some that cannot, each for one reason."""

# ruff: noqa: ARG002  Lightning decides what steps are given

from __future__ import annotations

import random
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy


class Lit(pl.LightningModule):
    """As people have them: logs by step and by epoch, accuracy computed on the spot."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.save_hyperparameters()
        size = int(torch.Size(input_shape).numel())
        layers = nn.Flatten(), nn.Linear(size, 12), nn.ReLU(), nn.Dropout(dropout), nn.Linear(12, outputs)
        self.net = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        inputs, targets = batch
        answers = self(inputs)
        loss = functional.cross_entropy(answers, targets)
        self.log("my/loss", loss, on_step=True, on_epoch=True)
        self.log("train_loss", loss)
        self.log("my/largest", loss, on_step=False, on_epoch=True, reduce_fx="max")
        self.log("shown", loss, logger=False, prog_bar=True)
        return {"loss": loss, "answers": answers.detach()}

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        inputs, targets = batch
        answers = self(inputs)
        right = (answers.argmax(1) == targets).float().mean()
        self.log_dict({"val_loss": functional.cross_entropy(answers, targets), "val_acc": right, "my/score": right})

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


class Large(Lit):
    """With a loss whose gradients are too large for the first scales of float16."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return 1000 * functional.cross_entropy(self(batch[0]), batch[1])


class OwnRate(Lit):
    """Two groups, whose rates follow the constructor's, and a schedule that looks at what it logs."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, learning_rate: float) -> None:
        super().__init__(input_shape, outputs)
        self.learning_rate = learning_rate

    def configure_optimizers(self) -> Any:
        rate = self.learning_rate
        groups = [
            {"params": self.net[1].parameters(), "lr": rate / 2},
            {"params": self.net[4].parameters(), "weight_decay": 1e-3},
        ]
        optimizer = torch.optim.AdamW(groups, lr=rate)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}


class Warming(Lit):
    """A schedule that moves by step."""

    def configure_optimizers(self) -> Any:
        optimizer = super().configure_optimizers()
        warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=8)
        return [optimizer], [{"scheduler": warm, "interval": "step"}]


class Normed(Lit):
    """BatchNorm, whose statistics training writes."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.net = nn.Sequential(self.net[:2], nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, outputs))


class Silent(Lit):
    """Without a validation_step, and nothing that it logs."""

    validation_step = pl.LightningModule.validation_step

    def training_step(self, batch: Any) -> Any:
        return functional.cross_entropy(self(batch[0]), batch[1])


class Frozen(Lit):
    """A frozen first layer, and dropout that stays asleep."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs, 0.5)
        self.net[1].requires_grad_(False)
        self.net[3].eval()


class Returned(Lit):
    """Returns its losses and logs none."""

    def training_step(self, batch: Any) -> Any:
        return functional.mse_loss(self(batch[0]).softmax(1), functional.one_hot(batch[1], 10).float())

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self.training_step(batch)


# --- what trains one by one ---


class WithMetric(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.acc = MulticlassAccuracy(outputs)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.acc.update(self(batch[0]), batch[1])
        return super().training_step(batch, batch_idx)


class LogsMetric(WithMetric):
    training_step = Lit.training_step

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.acc(self(batch[0]), batch[1])
        self.log("val_acc", self.acc)


class Counts(Lit):
    seen = 0

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.seen += len(batch[0])
        return super().training_step(batch, batch_idx)


class Remembers(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.losses: dict[str, list[Tensor]] = {"all": []}

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.losses["all"].append(self(batch[0]).mean())
        super().validation_step(batch, batch_idx)


class Buffered(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.register_buffer("average", torch.zeros(()))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        found = super().training_step(batch, batch_idx)
        self.average.mul_(0.9).add_(found["loss"].detach(), alpha=0.1)
        return found


class Clamped(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        with torch.no_grad():
            self.net[4].bias.clamp_(-1, 1)
        return super().training_step(batch, batch_idx)


class Hooked(Lit):
    def on_train_batch_end(self, *_: Any) -> None:
        """Something of its own."""


class Stepping(Lit):
    def optimizer_step(self, *given: Any, **named: Any) -> None:
        super().optimizer_step(*given, **named)


class OwnBackward(Lit):
    def backward(self, loss: Tensor, *given: Any, **named: Any) -> None:
        super().backward(loss, *given, **named)


class TakesItem(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        found = super().training_step(batch, batch_idx)
        return found["loss"] * (1 + found["loss"].item())


class Decides(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)["loss"]
        return 2 * loss if loss > 1 else loss


class Prints(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.print("", end="")
        return super().training_step(batch, batch_idx)


class ByEpoch(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx)["loss"] * (1 + self.current_epoch)


class ByBatch(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        found = super().training_step(batch, batch_idx)
        if batch_idx % 3 == 1:
            self.log("now_and_then", found["loss"])
        return found


class LogsNumber(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.log("examples", float(len(batch[0])))
        return super().training_step(batch, batch_idx)


class Draws(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step((batch[0] + 0.1 * torch.randn_like(batch[0]), batch[1]), batch_idx)


class DrawsInPython(Lit):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step((batch[0] * random.uniform(0.9, 1.1), batch[1]), batch_idx)


class OwnGenerator(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.noise = random.Random(0)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step((batch[0] * self.noise.uniform(0.9, 1.1), batch[1]), batch_idx)


class PutIn(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.on_train_batch_end = lambda *_: None


class ByRate(Lit):
    """A loss that depends on the member's rate."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, lr: float) -> None:
        super().__init__(input_shape, outputs)
        self.lr = lr

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx)["loss"] * (1 + self.lr)


class Manual(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        optimizer, loss = self.optimizers(), super().training_step(batch, batch_idx)["loss"]
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss


class Two(Lit):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.automatic_optimization = False

    training_step = Manual.training_step

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(self.net[1].parameters(), lr=0.1), torch.optim.SGD(self.net[4].parameters(), lr=0.1)]


class NoRule(Lit):
    def configure_optimizers(self) -> Any:
        return torch.optim.NAdam(self.parameters(), lr=0.1)


class AsksTrainer(Lit):
    def configure_optimizers(self) -> Any:
        steps = self.trainer.estimated_stepping_batches
        optimizer = super().configure_optimizers()
        return [optimizer], [torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=int(steps))]
