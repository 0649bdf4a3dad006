"""Activation functions by the name that a config gives them."""

from __future__ import annotations

from torch import nn

from lrscope.core.errors import InputError, Problem

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}


def activation(name: str) -> nn.Module:
    """A new module of that name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        remedy = f"Choose one of {', '.join(ACTIVATIONS)}."
        raise InputError(Problem("model.activation", name, "no such activation", remedy))
    return ACTIVATIONS[name]()
