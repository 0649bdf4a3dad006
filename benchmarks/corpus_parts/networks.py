"""The networks of the corpus."""

from __future__ import annotations

import torch
from torch import nn

from corpus_parts.cases import Case
from corpus_parts.problems import Problem

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "leaky": nn.LeakyReLU}


def network(case: Case, problem: Problem) -> nn.Module:
    """The case's network with its initial weights; images get a small convolutional one."""
    torch.manual_seed(case.seed)
    outputs = problem.classes or 1
    if problem.inputs.dim() > 2:
        model = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 10, 2), nn.ReLU(), nn.Flatten(),
            nn.Linear(40, outputs),
        )  # fmt: skip
    else:
        model = _mlp(case, problem.inputs.shape[1], outputs)
    _initialise(model, case.init)
    return model


def _mlp(case: Case, width: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for units in case.hidden:
        layers += [nn.Linear(width, units), _ACTIVATIONS[case.activation]()]
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
