"""LightningModules as people have them, right and wrong, for tests of what becomes of them."""

# ruff: noqa: ARG002  Lightning decides what steps are given

from __future__ import annotations

import warnings
from collections import UserDict
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassAccuracy


class Plain(pl.LightningModule):
    """Returns its losses and logs nothing."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, width: int = 6, dropout: float = 0.0) -> None:
        super().__init__()
        layers = nn.Linear(input_shape[0], width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, outputs)
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)

    def training_step(self, batch: Any) -> Any:
        inputs, targets = batch
        return functional.cross_entropy(self(inputs), targets)

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self.training_step(batch)


class Logging(Plain):
    """Logs by step and by epoch, with metrics that keep a state."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, dropout: float = 0.0) -> None:
        super().__init__(input_shape, outputs, dropout=dropout)
        self.train_acc, self.val_acc = (MulticlassAccuracy(outputs, average="micro") for _ in range(2))
        self.seen = 0

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        inputs, targets = batch
        answers = self(inputs)
        loss = functional.cross_entropy(answers, targets)
        self.seen += len(targets)
        self.train_acc(answers, targets)
        self.log("my/loss", loss, on_step=True, on_epoch=True)
        self.log("my/seen", float(self.seen))
        self.log("my/train_acc", self.train_acc, on_step=False, on_epoch=True)
        return {"loss": loss, "more": answers.detach()}

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        inputs, targets = batch
        answers = self(inputs)
        self.val_acc(answers, targets)
        self.log("val_loss", functional.cross_entropy(answers, targets))
        self.log("val_acc", self.val_acc)

    def on_train_epoch_end(self) -> None:
        self.log("late_score", float(self.current_epoch))


class Scored(Plain):
    """Keeps a metric of torchmetrics over its training steps."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.train_acc = MulticlassAccuracy(outputs, average="micro")

    def training_step(self, batch: Any) -> Any:
        answers = self(batch[0])
        self.train_acc.update(answers, batch[1])
        return functional.cross_entropy(answers, batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch)


class OwnRate(Plain):
    """Takes the rate by its constructor, and has a schedule of its own."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, learning_rate: float) -> None:
        super().__init__(input_shape, outputs)
        self.learning_rate = learning_rate

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.learning_rate, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]


class Deaf(OwnRate):
    """Takes a rate and uses another."""

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class TwoGroups(Plain):
    """Takes no rate; its groups have some, which its schedule warms up."""

    def configure_optimizers(self) -> Any:
        groups = [{"params": self.layers[0].parameters(), "lr": 1e-3}, {"params": self.layers[3].parameters()}]
        optimizer = torch.optim.Adam(groups, lr=4e-3)
        warm = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 4))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": warm, "interval": "step"}}


class Single(Plain):
    """Without a schedule of its own."""

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters())


class Adversarial(pl.LightningModule):
    """Two optimizers, stepped by itself: the critic in every batch, the generator in every second one."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.critic = nn.Linear(2, input_shape[0]), nn.Linear(input_shape[0], 1)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        generator, critic = self.optimizers()
        real, fake = batch[0], self.generator(torch.randn(len(batch[0]), 2))
        self._step(
            critic, functional.softplus(-self.critic(real)).mean() + functional.softplus(self.critic(fake)).mean()
        )
        if batch_idx % 2:
            fake = self.generator(torch.randn(len(real), 2))
            self._step(generator, functional.softplus(-self.critic(fake)).mean())
        self.lr_schedulers().step()

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def configure_optimizers(self) -> Any:
        generator = torch.optim.Adam(self.generator.parameters(), lr=1e-3)
        critic = torch.optim.SGD(self.critic.parameters(), lr=1e-2)
        return [generator, critic], [torch.optim.lr_scheduler.ExponentialLR(critic, 0.9)]


class Gathering(Plain):
    """Steps by itself, once in three batches."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch)
        self.manual_backward(loss / 3)
        if batch_idx % 3 == 2:
            self.optimizers().step()
            self.optimizers().zero_grad()
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch)

    configure_optimizers = Single.configure_optimizers


class Encoding(UserDict[str, Tensor]):
    """A batch as tokenizers of transformers give it: a dict that is none, with ``to``."""

    def to(self, device: Any) -> Encoding:
        return Encoding({key: value.to(device) for key, value in self.data.items()})


class Fed(pl.LightningDataModule):
    """Batches of a form that only the module knows; it centres them when they arrive."""

    width, kinds = 4, 3

    def __init__(self, form: str = "dict") -> None:
        super().__init__()
        self.form = form
        self.set_up = 0

    def setup(self, stage: str) -> None:
        self.set_up += 1
        random = torch.Generator().manual_seed(0)
        inputs = torch.randn(60, self.width, generator=random)
        self.data = list(zip(inputs, inputs[:, : self.kinds].argmax(1), strict=True))

    def train_dataloader(self) -> Any:
        return DataLoader(self.data[:48], 8, shuffle=True, collate_fn=self._collate)

    def val_dataloader(self) -> Any:
        return DataLoader(self.data[48:], 8, collate_fn=self._collate)

    def _collate(self, rows: Any) -> Any:
        inputs, targets = torch.stack([x for x, _ in rows]), torch.stack([y for _, y in rows])
        if self.form == "triple":
            return inputs, targets, torch.ones(len(targets))
        batch = {"weights": torch.ones(len(targets)), "inputs": inputs, "labels": targets}
        return batch if self.form == "dict" else Encoding(batch)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self.trainer.arrived = getattr(self.trainer, "arrived", 0) + 1  # type: ignore[union-attr]
        return batch


class Eating(pl.LightningModule):
    """Takes all of them, and asks the data module how wide they are."""

    def setup(self, stage: str) -> None:
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        assert data.set_up == 1, "set up a second time"
        self.layer = nn.Linear(data.width, data.kinds)

    def _loss(self, batch: Any) -> tuple[Tensor, Tensor]:
        inputs, targets = batch[:2] if isinstance(batch, (tuple, list)) else (batch["inputs"], batch["labels"])
        answers = self.layer(inputs)
        return functional.cross_entropy(answers, targets), (answers.argmax(1) == targets).float().mean()

    def training_step(self, batch: Any) -> Any:
        return self._loss(batch)[0]

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        loss, right = self._loss(batch)
        self.log("quality/val_score", right)
        self.log("quality/val_gap", loss)
        self.log("valid_loss", loss)

    def on_validation_epoch_end(self) -> None:
        self.log("arrived", float(self.trainer.arrived > 0))  # type: ignore[attr-defined]


class Silent(Plain):
    """Without a validation_step."""

    validation_step = pl.LightningModule.validation_step


class OnlyScores(Plain):
    """Says a score of the validation part and no loss, nor in a copy."""

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_score", (self(batch[0]).argmax(1) == batch[1]).float().mean())


class Doubled(Plain):
    """A loss of its own: twice the cross entropy."""

    def training_step(self, batch: Any) -> Any:
        return 2 * super().training_step(batch)


class Dead(Plain):
    """Its answers do not depend on the input: what it learns are the shares of the classes."""

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(0 * inputs)


class Counting(Plain):
    """Remembers things in plain attributes: a number that weighs its loss, and tensors of the epoch."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.average, self.losses, self.notes = torch.zeros(()), [], {"largest": 0.0}

    def training_step(self, batch: Any) -> Any:
        loss = super().training_step(batch)
        if self.training:
            self.losses.append(loss.detach())
            self.notes["largest"] = max(self.notes["largest"], float(loss.detach()))
        return loss * (1 + self.average) * len(self.losses) ** 0.1

    def on_train_batch_end(self, outputs: Any, *_: Any) -> None:
        self.average = 0.9 * self.average + 0.1 * outputs["loss"]

    def on_train_epoch_end(self) -> None:
        self.log("mean_of_losses", torch.stack(self.losses).mean())
        self.log("largest_loss", self.notes["largest"])
        self.losses.clear()


class Logged(Single):
    """Says a score under a name of its own, and the same under a known one."""

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        right = (self(batch[0]).argmax(1) == batch[1]).float().mean()
        self.log_dict({"my/score": right, "val_acc": right})
        return super().validation_step(batch, batch_idx)


class TwoParts(Fed):
    """Validates on two parts."""

    def val_dataloader(self) -> Any:
        return [DataLoader(part, 6, collate_fn=self._collate) for part in (self.data[48:], self.data[:48])]


class OnTwoParts(Eating):
    """Takes them, and keeps its losses with their graphs until the epoch ends."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[Tensor] = []

    def training_step(self, batch: Any) -> Any:
        self.losses.append(super().training_step(batch))
        return self.losses[-1]

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        super().validation_step(batch, batch_idx)

    def on_train_epoch_end(self) -> None:
        self.losses.clear()


class Composed(Plain):
    """Made of another module, which it keeps among its hyperparameters."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, inner: nn.Module) -> None:
        super().__init__(input_shape, outputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning would rather not keep it
            self.save_hyperparameters()
        self.layers[1] = inner
