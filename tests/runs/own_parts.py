"""A user's own parts, right and wrong in one way each, for tests of what is told before a run is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lrscope.datasets.data import Data, Part

FEATURES, EXAMPLES = 5, 40

_random = torch.Generator().manual_seed(0)
INPUTS = torch.randn(EXAMPLES, FEATURES, generator=_random)
LABELS = (INPUTS[:, 0] > 0).long()
NUMBERS = INPUTS.sum(1, keepdim=True)
TOKENS = torch.randint(10, (EXAMPLES, FEATURES), generator=_random)


def classes(inputs: Tensor = INPUTS, targets: Tensor = LABELS, names: Any = ("no", "yes")) -> Data:
    part = Part(inputs, targets)
    return Data("own", "classification", part, Part(inputs[:8], targets[:8]), classes=names)


def numbers(inputs: Tensor = INPUTS, targets: Tensor = NUMBERS) -> Data:
    return Data("own", "regression", Part(inputs, targets))


def double_inputs() -> Data:
    return classes(INPUTS.double())


def int32_labels() -> Data:
    return classes(targets=LABELS.int())


def column_labels() -> Data:
    return classes(targets=LABELS.unsqueeze(1))


def float_labels() -> Data:
    return classes(targets=LABELS.float())


def labels_from_1() -> Data:
    return classes(targets=LABELS + 1)


def negative_labels() -> Data:
    return classes(targets=2 * LABELS - 1)


def halves() -> Data:
    return classes(targets=LABELS + 0.5)


def one_hot() -> Data:
    return classes(targets=nn.functional.one_hot(LABELS, 2))


def one_class() -> Data:
    return classes(targets=torch.zeros_like(LABELS), names=("all",))


def labels_of_numpy() -> Data:
    return classes(INPUTS.numpy(), LABELS.numpy())  # type: ignore[arg-type]


def unnamed_classes() -> Data:
    return classes(names=())


def flat_numbers() -> Data:
    return numbers(targets=NUMBERS.squeeze(1))


def double_numbers() -> Data:
    return numbers(INPUTS.double(), NUMBERS.double())


def tokens() -> Data:
    return classes(TOKENS)


def pixels() -> Data:
    return classes((INPUTS * 9).clamp(0, 255).to(torch.uint8))


class NoArguments(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, 2)

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


class AnyArguments(NoArguments):
    def __init__(self, *_: Any, **given: Any) -> None:
        super().__init__()
        assert not given, given


class OneOutput(NoArguments):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[:, :1]


class Squeezed(OneOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


class Tuple(NoArguments):
    def forward(self, x: Tensor) -> Any:
        return self.layer(x), x


class TupleInEvaluation(NoArguments):
    def forward(self, x: Tensor) -> Any:
        return self.layer(x) if self.training else (self.layer(x), x)


class Sequence(NoArguments):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).unsqueeze(2).expand(-1, -1, 3)


class Detached(NoArguments):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).detach()


class Branching(NoArguments):
    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return y if y.sum() > 0 else 2 * y


class CannotBePacked(NoArguments):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = (i for i in range(3))


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(4 * FEATURES, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Fails(NoArguments):
    """Raises at its third batch: nothing that a rehearsal could know."""

    seen = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).seen += self.training
        if self.seen > 9:
            raise RuntimeError("broken on purpose")
        return super().forward(x)


class Loaded(pl.LightningDataModule):
    """Batches of ``form``; ``kind`` says how the loader is."""

    input_shape, outputs, task = (FEATURES,), 2, "classification"

    def __init__(self, form: str = "pair", kind: str = "loader", targets: str = "labels", double: bool = False) -> None:
        super().__init__()
        self.form, self.kind = form, kind
        self.inputs = INPUTS.double() if double else INPUTS
        self.targets = {
            "labels": LABELS,
            "int32": LABELS.int(),
            "column": LABELS[:, None],
            "from 1": LABELS + 1,
            "negative": LABELS - 1,
            "halves": LABELS / 2,
            "one hot": torch.eye(2).long()[LABELS],
            "many": LABELS * 5,
        }[targets]

    def _collate(self, examples: list[tuple[Tensor, Tensor]]) -> Any:
        x, y = (torch.stack(part) for part in zip(*examples, strict=True))
        return {"pair": (x, y), "triple": (x, y, x), "dict": {"x": x, "y": y}}[self.form]

    def train_dataloader(self) -> Any:
        if self.kind == "stream":
            return DataLoader(Stream(), batch_size=8)
        return DataLoader(TensorDataset(self.inputs, self.targets), 8, collate_fn=self._collate)

    def val_dataloader(self) -> Any:
        return DataLoader(TensorDataset(self.inputs[:8], self.targets[:8]), 8, collate_fn=self._collate)


class Stream(IterableDataset):  # type: ignore[type-arg]
    """Never ends."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from zip(INPUTS, LABELS, strict=True)


class AfterValidation(pl.Callback):
    def on_validation_epoch_end(self, *_: Any) -> None:
        raise AssertionError
