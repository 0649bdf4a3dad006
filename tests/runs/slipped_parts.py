"""Parts of a user's own with slips that people make: each is one class or function, wrong in one way."""

# ruff: noqa: ARG001, ARG002, ARG005  (signatures are what is tried here)

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchmetrics import Metric

FEATURES, CLASSES = 5, 2


class Network(nn.Module):
    """Nothing is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)


class KeepsItsState(Network):
    """The answers to one batch go into those to the next, graph and all."""

    state: Tensor | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        answers = self.layer(inputs)
        answers = answers if self.state is None else answers + 0.1 * self.state.mean(0)
        self.state = answers
        return answers


class OfOneBatchSize(Network):
    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.view(8, FEATURES))


class MakesALayerOnItsWay(Network):
    def __init__(self) -> None:
        super().__init__()
        self.more: nn.Module | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        if self.more is None:
            self.more = nn.Linear(CLASSES, CLASSES)
        return self.more(self.layer(inputs))


class LayersInAList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers, self.last = [nn.Linear(FEATURES, 4)], nn.Linear(4, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.layers[0](inputs))


class ATeacherInAList(LayersInAList):
    """It is kept out of training on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.layers[0].requires_grad_(False)


class APlainTensor(Network):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.ones(CLASSES, requires_grad=True)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs) * self.scale


class NoLayers(nn.Module):
    def _init_(self) -> None:
        self.layer = nn.Linear(FEATURES, CLASSES)


class AllFrozen(Network):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


class MisspelledForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def foward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)


class NotInEvaluation(Network):
    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training:
            raise NotImplementedError("sampling")
        return self.layer(inputs)


class OwnTrain(Network):
    def train(self) -> Any:  # type: ignore[override]
        return self


class OwnParameters(Network):
    parameters = property(lambda self: [])  # type: ignore[assignment]


class CannotBeSaved(Network):
    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("nothing to save")


class SparseRows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(10, CLASSES, sparse=True)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.rows(inputs.long().clamp(0, 9)).mean(1)


def per_example(answers: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(answers, targets, reduction="none")


def a_float(answers: Tensor, targets: Tensor) -> float:
    return cross_entropy(answers, targets).item()


def detached(answers: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(answers.detach(), targets)


def errors(answers: Tensor, targets: Tensor) -> Tensor:
    return (answers.argmax(1) != targets).float().mean()


def of_nothing(answers: Tensor, targets: Tensor) -> Tensor:
    return torch.ones((), requires_grad=True) * 2


class OfAnswersAlone(nn.Module):
    def forward(self, answers: Tensor) -> Tensor:
        return answers.mean()


class AFloat(Metric):
    def update(self, answers: Tensor, targets: Tensor) -> None: ...

    def compute(self) -> float:
        return 0.5


class SeveralNumbers(AFloat):
    def compute(self) -> Any:
        return {"a": 0.5}


def of_other_parameters(params: Any, lr: float) -> SGD:
    return SGD(nn.Linear(2, 2).parameters(), lr)


class RateFirst(SGD):
    def __init__(self, lr: float, params: Any) -> None:
        super().__init__(params, lr)


def of_another_optimizer(optimizer: Any) -> LRScheduler:
    return StepLR(SGD([torch.zeros(1, requires_grad=True)], 0.1), 1)


def moving(rule: Callable[[int], float]) -> Callable[[Any], LRScheduler]:
    return lambda optimizer: LambdaLR(optimizer, rule)


below_zero = moving(lambda move: 1 - 0.15 * move)
not_a_number = moving(lambda move: 1.0 if move < 7 else float("nan"))
a_list_too_short = moving(lambda move: [1.0, 0.5, 0.2][move])


class WithoutTheModule(pl.Callback):
    def on_train_epoch_end(self, trainer: Any) -> None: ...  # type: ignore[override]


class OfAnEarlierLightning(pl.Callback):
    def on_epoch_end(self, trainer: Any, module: Any) -> None: ...


class Misspelled(pl.Callback):
    def on_train_epochs_end(self, trainer: Any, module: Any) -> None: ...


class EndsTheProgram(pl.Callback):
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        sys.exit(0)


INPUTS = torch.randn(32, FEATURES, generator=torch.Generator().manual_seed(0))
PAIRS = TensorDataset(INPUTS, (INPUTS[:, 0] > 0).long())


class GivesADataset(pl.LightningDataModule):
    def train_dataloader(self) -> Any:
        return PAIRS


class GivesObjects(Dataset[Any]):
    def __len__(self) -> int:
        return 32

    def __getitem__(self, number: int) -> Any:
        return object(), 0


class OfObjects(pl.LightningDataModule):
    def train_dataloader(self) -> Any:
        return DataLoader(GivesObjects(), batch_size=8)


class ValidatesOtherShapes(pl.LightningDataModule):
    def train_dataloader(self) -> Any:
        return DataLoader(PAIRS, batch_size=8)

    def val_dataloader(self) -> Any:
        return DataLoader(TensorDataset(INPUTS[:, :3], PAIRS.tensors[1]), batch_size=8)
