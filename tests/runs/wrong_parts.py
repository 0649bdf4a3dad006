"""Random parts of a user's own, most of them wrong: drawn from a seed, so that each has its number for ever.

``wrong_parts.case_17`` is what a config names by ``_target_``; ``CASES[17]`` says of which group it is.
"""

# ruff: noqa: ARG001, ARG002, ARG005  (signatures are what is tried here)

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, IterableDataset

from lrscope.datasets.data import Data, Part

COUNT = 200
FEATURES, CLASSES, EXAMPLES = 5, 2, 33


@dataclass(frozen=True)
class Case:
    """A part of ``group``, described in words for a failing test; ``words`` are overrides that go with it."""

    group: str
    what: str
    words: tuple[str, ...] = ()


# Data


def _tensor(rng: random.Random, shape: tuple[int, ...], dtype: torch.dtype, low: int, high: int) -> Tensor:
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    if dtype.is_floating_point or dtype.is_complex:
        return (torch.rand(shape, generator=generator) * (high - low) + low).to(dtype)
    return torch.randint(low, high + 1, shape, generator=generator).to(dtype)


DTYPES = (
    *(torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64),
)


def draw_data(rng: random.Random) -> tuple[Case, Any]:
    n = rng.choice([EXAMPLES] * 12 + [0, 1, 2])
    inner = rng.choice([(FEATURES,)] * 4 + [(), (1, 8, 8), (3, 4), (0,)])
    into = rng.choice(DTYPES)
    task = rng.choice(["classification"] * 8 + ["regression"] * 8 + ["clustering", None])
    target_shape = rng.choice([(), (), (), (1,), (1,), (3,), (1, 1)])
    target_type = rng.choice(DTYPES)
    low, high = rng.choice([(0, 1)] * 5 + [(0, 2), (1, 2), (-1, 1), (0, 0), (7, 9)])
    classes: Any = rng.choice([("a", "b"), ("a", "b", "c"), (), ("a",), ["a", "b"], 3, None])
    form = rng.choice(["Data"] * 24 + ["Part", "tuple", "None", "dict"])
    held = rng.choice(["tensor"] * 12 + ["numpy", "numpy", "list", "None", "str"])
    val = rng.choice(["none"] * 4 + ["same"] * 4 + ["other", "Data"])
    longer = rng.choice([0] * 16 + [1])

    def hold(values: Tensor) -> Any:
        if held == "numpy" and values.dtype != torch.bfloat16:
            return values.numpy()
        return {"list": values.tolist(), "None": None, "str": "values"}.get(held, values)

    def case(name: str = "own") -> Any:
        inputs = _tensor(rng_of(seed), (n, *inner), into, 0, 1)
        targets = _tensor(rng_of(seed + 1), (n + longer, *target_shape), target_type, low, high)
        part: Any = Part(hold(inputs), hold(targets))
        also: Any = {"none": None, "same": part, "Data": (inputs, targets)}.get(val, part)
        if val == "other":
            also = Part(inputs[:4], targets[:4] + (targets.dtype != torch.bool))
        data: Any = Data(name, task, part, also, classes=classes)  # type: ignore[arg-type]
        return {"Data": data, "Part": part, "tuple": (part, also), "None": None, "dict": {"train": part}}[form]

    seed = rng.randrange(2**31)
    what = (
        f"{form} n={n}+{longer} {inner} {into} {task} {target_type}{target_shape} {low}..{high} {classes} {held} {val}"
    )
    return Case("dataset", what, ("model.batch_norm=true",) if rng.random() < 0.2 else ()), case


def rng_of(seed: int) -> random.Random:
    return random.Random(seed)


# Models: what a forward may return, given the right logits [N, C]


class _Frozen(nn.Module):
    def __init__(self, *_: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)
        self.requires_grad_(False)


def _multi_line(x: Tensor) -> Tensor:
    raise RuntimeError("first line\nsecond line\nthird line\n" + "x" * 1000)


def _raise(error: BaseException) -> Any:
    raise error


RETURNS: dict[str, Callable[[nn.Module, Tensor, Tensor], Any]] = {
    "logits": lambda net, x, y: y,
    "tuple": lambda net, x, y: (y, x),
    "list": lambda net, x, y: [y],
    "dict": lambda net, x, y: {"logits": y},
    "None": lambda net, x, y: None,
    "numpy": lambda net, x, y: y.detach().numpy(),
    "float": lambda net, x, y: 1.0,
    "scalar": lambda net, x, y: y.sum(),
    "column": lambda net, x, y: y[:, :1],
    "vector": lambda net, x, y: y[:, 0],
    "[N,C,T]": lambda net, x, y: y.unsqueeze(2).expand(-1, -1, 3),
    "[N,1,C]": lambda net, x, y: y.unsqueeze(1),
    "one row": lambda net, x, y: y.mean(0, keepdim=True),
    "one more row": lambda net, x, y: torch.cat([y, y[:1]]),
    "transposed": lambda net, x, y: y.t(),
    "more": lambda net, x, y: torch.cat([y, y], 1),
    "none of C": lambda net, x, y: y[:, :0],
    "double": lambda net, x, y: y.double(),
    "half": lambda net, x, y: y.half(),
    "whole": lambda net, x, y: y.long(),
    "complex": lambda net, x, y: y.to(torch.complex64),
    "classes": lambda net, x, y: y.argmax(1),
    "detached": lambda net, x, y: y.detach(),
    "softmax": lambda net, x, y: y.softmax(1),
    "squeezed": lambda net, x, y: y.squeeze(0),
    "nan": lambda net, x, y: y * float("nan"),
    "sparse": lambda net, x, y: y.to_sparse(),
    "meta": lambda net, x, y: y.to("meta"),
    "in place": lambda net, x, y: (z := y.exp(), z.add_(1))[0],
    "view of 8": lambda net, x, y: y.view(8, -1),
    "train only": lambda net, x, y: y if net.training else (y, y),
    "eval only": lambda net, x, y: (y, y) if net.training else y,
    "KeyError": lambda net, x, y: {}["absent"],
    "assert": lambda net, x, y: _raise(AssertionError()),
    "exit": lambda net, x, y: sys.exit("no GPU here"),
    "many lines": lambda net, x, y: _multi_line(x),
    "blank": lambda net, x, y: _raise(ValueError("\n \n")),
    "if": lambda net, x, y: y if y.sum() > 0 else y * 2,
}

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(FEATURES, CLASSES)),
    "lazy": lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(CLASSES)),
    "batch norm": lambda: nn.Sequential(nn.Flatten(), nn.Linear(FEATURES, 4), nn.BatchNorm1d(4), nn.Linear(4, CLASSES)),
    "too narrow": lambda: nn.Linear(FEATURES - 1, CLASSES),
    "conv": lambda: nn.Conv2d(1, CLASSES, 3),
    "double": lambda: nn.Linear(FEATURES, CLASSES).double(),
    "half": lambda: nn.Linear(FEATURES, CLASSES).half(),
    "embedding": lambda: nn.Sequential(nn.Embedding(10, 3), nn.Flatten(), nn.Linear(3 * FEATURES, CLASSES)),
    "frozen": _Frozen,
    "none": nn.Identity,
    "not a layer": lambda: None,  # type: ignore[arg-type, return-value]
    "lstm": lambda: nn.LSTM(FEATURES, CLASSES, batch_first=True),
}


def draw_model(rng: random.Random) -> tuple[Case, Any]:
    returned = rng.choice(["logits"] * 8 + list(RETURNS))
    layer = rng.choice(["linear"] * 12 + list(LAYERS))
    arguments = rng.choice(
        [*["()"] * 6, *["(input_shape, outputs)"] * 4, "(hidden)", "(a, b, c)", "(*args)", "(**kw)", "raises"]
    )
    forward = rng.choice(["(x)"] * 20 + ["()", "(x, y)", "(x, *, mask)", "(x, mask=None)"])
    base = rng.choice([nn.Module] * 30 + [object, dict])
    skips_super = rng.random() < 0.03

    class Own(base):  # type: ignore[misc, valid-type]
        def _make(self) -> None:
            if not skips_super:
                super().__init__()
            self.layer = LAYERS[layer]()

        def _answer(self, x: Tensor) -> Any:
            return RETURNS[returned](self, x, self.layer(x))

    makers: dict[str, Any] = {
        "()": lambda self: self._make(),
        "(input_shape, outputs)": lambda self, input_shape, outputs: self._make(),
        "(hidden)": lambda self, hidden: self._make(),
        "(a, b, c)": lambda self, a, b, c: self._make(),
        "(*args)": lambda self, *args: self._make(),
        "(**kw)": lambda self, **kw: self._make(),
        "raises": lambda self: _raise(RuntimeError("cannot\nbe built")),
    }
    forwards: dict[str, Any] = {
        "(x)": lambda self, x: self._answer(x),
        "()": lambda self: self._answer(torch.zeros(2, FEATURES)),
        "(x, y)": lambda self, x, y: self._answer(x),
        "(x, *, mask)": lambda self, x, *, mask: self._answer(x),
        "(x, mask=None)": lambda self, x, mask=None: self._answer(x),
    }
    Own.__init__, Own.forward = makers[arguments], forwards[forward]
    what = f"{base.__name__}{arguments} forward{forward} {layer} -> {returned}{' no super' if skips_super else ''}"
    size = rng.choice([8, 8, 1, 16, 32])
    more = (f"batch_size={size}",)
    return Case("model", what, more), Own


# Loaders


class _Stream(IterableDataset):  # type: ignore[type-arg]
    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield self.batch


def _first_is(batch: Any) -> Any:
    return batch


BATCHES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "tuple": lambda x, y: (x, y),
    "list": lambda x, y: [x, y],
    "triple": lambda x, y: (x, y, x),
    "dict": lambda x, y: {"x": x, "y": y},
    "inputs": lambda x, y: x,
    "single": lambda x, y: (x,),
    "None": lambda x, y: None,
    "words": lambda x, y: (["a"] * len(x), y),
    "numpy": lambda x, y: (x.numpy(), y.numpy()),
    "nested": lambda x, y: ((x, x), y),
}
TARGETS: dict[str, Callable[[Tensor], Tensor]] = {
    "classes": lambda y: y,
    "column": lambda y: y.unsqueeze(1),
    "int32": lambda y: y.int(),
    "float": lambda y: y.float(),
    "float column": lambda y: y.float().unsqueeze(1),
    "from 1": lambda y: y + 1,
    "negative": lambda y: y - 1,
    "one hot": lambda y: nn.functional.one_hot(y, CLASSES).float(),
    "halves": lambda y: y + 0.5,
    "shorter": lambda y: y[:-1],
}


def draw_loader(rng: random.Random) -> tuple[Case, Any]:
    form = rng.choice(["tuple"] * 8 + list(BATCHES))
    target = rng.choice(["classes"] * 3 + list(TARGETS))
    task_ = rng.choice(["classification"] * 6 + ["regression"] * 4 + ["absent", "absent", "ranking"])
    loader_form = rng.choice(
        [*["loader"] * 14, "stream", "stream", "generator", "None", "list", "dict", "empty", "raises", "number"]
    )
    validates = rng.choice(["no"] * 4 + ["yes"] * 8 + ["None", "raises"])
    into = rng.choice([torch.float32, torch.float32, torch.float64, torch.int64])
    outputs_ = rng.choice([CLASSES, CLASSES, CLASSES, 1])

    def loader(kind: str) -> Any:
        x = _tensor(rng_of(1), (16, FEATURES), into, 0, 3)
        batch = BATCHES[form](x, TARGETS[target](_tensor(rng_of(2), (16,), torch.int64, 0, CLASSES - 1)))
        made: dict[str, Callable[[], Any]] = {
            "loader": lambda: DataLoader([batch] * 2, batch_size=None),
            "stream": lambda: DataLoader(_Stream(batch), batch_size=None),
            "generator": lambda: (batch for _ in range(2)),
            "None": lambda: None,
            "list": lambda: [DataLoader([batch], batch_size=None)] * 2,
            "dict": lambda: {"a": DataLoader([batch], batch_size=None)},
            "empty": lambda: DataLoader([], batch_size=None),
            "raises": lambda: _raise(OSError("no such file")),
            "number": lambda: 3,
        }
        return made[kind]()

    class Own(pl.LightningDataModule):
        def train_dataloader(self) -> Any:
            return loader(loader_form)

    if validates != "no":
        Own.val_dataloader = lambda self: loader({"yes": "loader"}.get(validates, validates))  # type: ignore[method-assign]
    if task_ != "absent":
        Own.task = task_  # type: ignore[attr-defined]
    Own.input_shape, Own.outputs = (FEATURES,), outputs_  # type: ignore[attr-defined]
    limit = ("trainer.limit_train_batches=2",) if rng.random() < 0.3 else ()
    what = f"{loader_form} of {form} {into} {target} {task_} outputs {outputs_} val {validates} {limit}"
    return Case("dataset", what, limit), Own


# Optimizers, schedules, callbacks


class _NoClosure(SGD):
    def step(self) -> None:  # type: ignore[override]
        super().step()


class _Raises(SGD):
    def step(self, closure: Any = None) -> Any:
        raise ZeroDivisionError


class _NeverAsks(SGD):
    def step(self, closure: Any = None) -> Any:
        return None


OPTIMIZERS: dict[str, Any] = {
    "right": lambda params, lr: SGD(params, lr),
    "needs more": lambda params, lr, rho: SGD(params, lr),
    "takes none": lambda: SGD([torch.zeros(1)], 0.1),
    "no rate": lambda params: SGD(params, 0.1),
    "None": lambda params, lr: None,
    "a class": lambda params, lr: SGD,
    "raises": lambda params, lr: _raise(ValueError("no such thing")),
    "step()": lambda params, lr: _NoClosure(params, lr),
    "step raises": lambda params, lr: _Raises(params, lr),
    "never asks": lambda params, lr: _NeverAsks(params, lr),
    "not one": lambda params, lr: nn.Linear(1, 1),
    "two": lambda params, lr: (SGD(params, lr), SGD(params, lr)),
    "groups": lambda params, lr: Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.1}], lr),
}
SCHEDULES: dict[str, Any] = {
    "right": lambda optimizer: LambdaLR(optimizer, lambda step: 0.9**step),
    "needs more": lambda optimizer, warmup, more: None,
    "takes none": lambda: None,
    "None": lambda optimizer: None,
    "raises": lambda optimizer: _raise(KeyError("warmup")),
    "lambda raises": lambda optimizer: LambdaLR(optimizer, lambda step: 1 / 0),
    "raises later": lambda optimizer: LambdaLR(
        optimizer, lambda step: 1.0 if step == 0 else _raise(IndexError("past"))
    ),
    "a function": lambda optimizer: lambda: 0.1,
    "the optimizer": lambda optimizer: optimizer,
}
CALLBACKS: dict[str, Any] = {
    "right": lambda: pl.Callback(),
    "needs more": lambda path: pl.Callback(),
    "None": lambda: None,
    "a function": lambda: print,
    "raises": lambda: _raise(FileNotFoundError("labels.txt")),
    "a logger": lambda: pl.loggers.CSVLogger("."),
}


def _draw_from(group: str, choices: dict[str, Any]) -> Callable[[random.Random], tuple[Case, Any]]:
    def draw(rng: random.Random) -> tuple[Case, Any]:
        what = rng.choice(list(choices))
        return Case(group, what), choices[what]

    return draw


DRAWN = (
    *[draw_model] * 8,
    *[draw_data] * 6,
    *[draw_loader] * 4,
    _draw_from("optimizer", OPTIMIZERS),
    _draw_from("scheduler", SCHEDULES),
    _draw_from("callbacks.extra", CALLBACKS),
)

CASES: list[Case] = []
_made = [random.Random(number) for number in range(COUNT)]
for _number, _rng in enumerate(_made):
    _case, _part = _rng.choice(DRAWN)(_rng)
    CASES.append(_case)
    globals()[f"case_{_number}"] = _part


def words(number: int) -> list[str]:
    """The overrides that put this part into a small run."""
    case, target = CASES[number], f"wrong_parts.case_{number}"
    small = ["dataset=blobs", "dataset.examples=33", "dataset.val_examples=8", "epochs=2", "batch_size=8"]
    if case.group == "callbacks.extra":
        return [*small, f"callbacks.extra=[{{_target_: {target}}}]"]
    if case.group == "dataset":
        small = ["epochs=2", "batch_size=8"]
    return [*small, f"{case.group}._target_={target}", *case.words]
