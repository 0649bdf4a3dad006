"""How weights start: torch's own initialisations by name, on every linear and convolutional layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from lrscope.core.errors import InputError, Problem

INITIALISATIONS: dict[str, Callable[..., Any] | None] = {
    "default": None,
    "xavier": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
    "kaiming": nn.init.kaiming_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
    "zeros": nn.init.zeros_,
}


def initialise(model: nn.Module, init: str, zero_bias: bool = False) -> None:
    """Start the weights of every layer of ``model`` by that rule, in place.

    ``default`` keeps what torch does (uniform within 1/sqrt(inputs), biases too). The others start the
    weights; ``zeros`` and ``zero_bias`` start the biases at 0, which are torch's otherwise.

    Raises:
        InputError: there is no rule of that name.
    """
    if init not in INITIALISATIONS:
        remedy = f"Choose one of {', '.join(INITIALISATIONS)}."
        raise InputError(Problem("model.init", init, "no such initialisation", remedy))
    rule = INITIALISATIONS[init]
    arguments = {"nonlinearity": "relu"} if init.startswith("kaiming") else {}
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if rule is not None:
                rule(layer.weight, **arguments)
            if layer.bias is not None and (zero_bias or init == "zeros"):
                nn.init.zeros_(layer.bias)
