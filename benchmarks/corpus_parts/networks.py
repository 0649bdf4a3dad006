"""The networks of the corpus."""

from __future__ import annotations

import torch
from torch import nn

from corpus_parts.cases import Case
from corpus_parts.kinds import TOKENS
from corpus_parts.problems import Problem
from corpus_parts.problems import problem as make_problem
from lrscope.models.gru import GRU
from lrscope.models.transformer import Transformer

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "leaky": nn.LeakyReLU}


def network(case: Case, problem: Problem) -> nn.Module:
    """The case's network with its initial weights; images get a small convolutional one."""
    torch.manual_seed(case.seed)
    outputs = 1 if problem.one_logit else problem.classes or 1
    if case.kind == "sequence":
        return _of_sequences(case, problem, outputs)
    if problem.inputs.dim() > 2:
        model = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 10, 2), nn.ReLU(), nn.Flatten(),
            nn.Linear(40, outputs),
        )  # fmt: skip
    else:
        model = _mlp(case, problem.inputs.shape[1], outputs)
    _initialise(model, case.init)
    if case.kind == "frozen":
        if case.problem == "digits_5_9":
            _train_body(model, make_problem("digits_0_4", case.data_seed))
        for layer in list(model)[:-1]:
            layer.requires_grad_(False)
    return model


def _of_sequences(case: Case, problem: Problem, outputs: int) -> nn.Module:
    tokens = not problem.inputs.is_floating_point()
    sizes: dict[str, int] = {"width": 16, **({"hidden": 24} if case.body == "gru" else {"layers": 1, "heads": 2})}
    made = GRU if case.body == "gru" else Transformer
    return made(problem.inputs.shape[1:], outputs, TOKENS if tokens else None, **sizes)  # type: ignore[arg-type]


def _train_body(model: nn.Sequential, earlier: Problem) -> None:
    """Trains all of it on an earlier task of as many classes; the last layer begins anew."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(earlier.inputs), earlier.targets).backward()
        optimizer.step()
    optimizer.zero_grad()
    model[-1].reset_parameters()  # type: ignore[operator]


def _mlp(case: Case, width: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for units in case.hidden:
        norm = [nn.BatchNorm1d(units)] if case.kind == "batch_norm" else []
        layers += [nn.Linear(width, units), *norm, _ACTIVATIONS[case.activation]()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, outputs))


@torch.no_grad()
def _initialise(model: nn.Module, init: str) -> None:
    for layer in model.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d) or init == "default":
            continue
        if init == "xavier":
            nn.init.xavier_uniform_(layer.weight)
        elif init == "he":
            nn.init.kaiming_normal_(layer.weight)
        elif init == "large":
            nn.init.normal_(layer.weight, std=0.5)
        else:
            nn.init.zeros_(layer.weight)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
