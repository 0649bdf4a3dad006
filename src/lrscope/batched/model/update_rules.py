"""The update rules that ship, for many members at once, each a pure function of some ten lines.

``weights``, ``gradients`` and every state tensor are [M, P]: one row per member, all its parameters side by
side. The numbers of a rule (rate, momentum, betas …) differ between members; they are worked out on the host in
float64, as torch's own Python floats are, and reach the device as one column [M, 1] each. The order of
operations is that of torch's single-tensor implementations (``torch/optim/*.py``, torch 2.13), so that a member
alone and a member of a stack agree to the last bit wherever their gradients do. ``weights`` and ``state`` are
changed in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from lrscope.batched.model.numbers import Column, Numbers, distinct

Coefficients = Callable[[Numbers, int], dict[str, Column]]
"""From the members' numbers and the number of this update (1 is the first) to the columns that the rule reads."""

Update = Callable[[Tensor, Tensor, dict[str, Tensor], Mapping[str, Tensor], Mapping[str, bool]], None]


@dataclass(frozen=True)
class Rule:
    """One optimizer class: how its coefficients follow from its numbers, and what an update is."""

    coefficients: Coefficients
    update: Update
    state: Callable[[Numbers], tuple[str, ...]]
    """Names of the state tensors that these options need, as torch names them."""
    flags: tuple[str, ...] = ()
    """Options that change the rule itself, not a number in it: members must agree on them."""
    counts_steps: bool = True
    """Whether the coefficients change with every update, and torch keeps a ``step`` in the state."""


def sgd_coefficients(n: Numbers, step: int) -> dict[str, Column]:
    columns = {"step": -n["lr"], **_decay(n)}
    if n.any("momentum"):
        # A member without momentum is one whose buffer is the gradient itself.
        first = step == 1
        columns["keep"] = np.zeros_like(n["momentum"]) if first else n["momentum"]
        columns["take"] = np.where(first or n["momentum"] == 0, 1.0, 1 - n["dampening"])
        columns["momentum"] = n["momentum"]
    return columns


def sgd(w: Tensor, g: Tensor, state: dict[str, Tensor], c: Mapping[str, Tensor], flags: Mapping[str, bool]) -> None:
    if "decay" in c:
        g = g.addcmul(w, c["decay"])
    if "keep" in c:
        buffer = state["momentum_buffer"].mul_(c["keep"]).addcmul_(g, c["take"])
        g = g.addcmul(buffer, c["momentum"]) if flags["nesterov"] else buffer
    w.addcmul_(g, c["step"])


def adam_coefficients(n: Numbers, step: int) -> dict[str, Column]:
    beta1, beta2 = n["beta1"], n["beta2"]
    if n.flags["decoupled_weight_decay"]:
        decay: dict[str, Column] = {"shrink": 1 - n["lr"] * n["weight_decay"]}
    else:
        decay = _decay(n)
    return decay | {
        "take1": 1 - beta1,
        "keep2": beta2,
        "take2": 1 - beta2,
        "eps": n["eps"],
        "root2": distinct(beta2, lambda beta: (1 - beta**step) ** 0.5),
        "step": -(n["lr"] / distinct(beta1, lambda beta: 1 - beta**step)),
    }


def adam(w: Tensor, g: Tensor, state: dict[str, Tensor], c: Mapping[str, Tensor], flags: Mapping[str, bool]) -> None:
    if "shrink" in c:
        w.mul_(c["shrink"])
    if "decay" in c:
        g = g.addcmul(w, c["decay"])
    mean = state["exp_avg"].lerp_(g, c["take1"])
    square = state["exp_avg_sq"].mul_(c["keep2"]).addcmul_(g * c["take2"], g)
    if flags["amsgrad"]:
        square = torch.maximum(state["max_exp_avg_sq"], square, out=state["max_exp_avg_sq"])
    w.addcdiv_(mean * c["step"], square.sqrt().div_(c["root2"]).add_(c["eps"]))


def rmsprop_coefficients(n: Numbers, _: int) -> dict[str, Column]:
    columns = {"keep": n["alpha"], "take": 1 - n["alpha"], "eps": n["eps"], "step": -n["lr"], **_decay(n)}
    return columns | ({"momentum": n["momentum"]} if n.any("momentum") else {})


def rmsprop(w: Tensor, g: Tensor, state: dict[str, Tensor], c: Mapping[str, Tensor], flags: Mapping[str, bool]) -> None:
    if "decay" in c:
        g = g.addcmul(w, c["decay"])
    square = state["square_avg"].mul_(c["keep"]).addcmul_(g * c["take"], g)
    if flags["centered"]:
        mean = state["grad_avg"].lerp_(g, c["take"])
        square = square.addcmul(mean, mean, value=-1)
    root = square.sqrt().add_(c["eps"])
    if "momentum" in c:
        buffer = state["momentum_buffer"].mul_(c["momentum"]).addcdiv_(g, root)
        w.addcmul_(buffer, c["step"])
    else:
        w.addcdiv_(g * c["step"], root)


def adagrad_coefficients(n: Numbers, step: int) -> dict[str, Column]:
    return {"step": -(n["lr"] / (1 + (step - 1) * n["lr_decay"])), "eps": n["eps"], **_decay(n)}


def adagrad(w: Tensor, g: Tensor, state: dict[str, Tensor], c: Mapping[str, Tensor], _: Mapping[str, bool]) -> None:
    if "decay" in c:
        g = g.addcmul(w, c["decay"])
    total = state["sum"].addcmul_(g, g)
    w.addcdiv_(g * c["step"], total.sqrt().add_(c["eps"]))


def _decay(n: Numbers) -> dict[str, Column]:
    """L2 decay, added to the gradient; no column where no member has any."""
    return {"decay": n["weight_decay"]} if n.any("weight_decay") else {}


def _momentum_state(n: Numbers) -> tuple[str, ...]:
    return ("momentum_buffer",) if n.any("momentum") else ()


def _adam_state(n: Numbers) -> tuple[str, ...]:
    return ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if n.flags["amsgrad"] else ()))


def _rmsprop_state(n: Numbers) -> tuple[str, ...]:
    return ("square_avg", *_momentum_state(n), *(("grad_avg",) if n.flags["centered"] else ()))


RULES: dict[type[Optimizer], Rule] = {
    SGD: Rule(sgd_coefficients, sgd, _momentum_state, ("nesterov", "maximize"), counts_steps=False),
    Adam: Rule(adam_coefficients, adam, _adam_state, ("amsgrad", "maximize", "decoupled_weight_decay")),
    AdamW: Rule(adam_coefficients, adam, _adam_state, ("amsgrad", "maximize", "decoupled_weight_decay")),
    RMSprop: Rule(rmsprop_coefficients, rmsprop, _rmsprop_state, ("centered", "maximize")),
    Adagrad: Rule(adagrad_coefficients, adagrad, lambda _: ("sum",), ("maximize",)),
}
"""The optimizers that can be trained together; the members of any other train alone."""


def start_of(name: str, numbers: Numbers) -> NDArray[np.float64]:
    """What a state tensor holds before the first update, float64 [M]: 0, but for Adagrad's chosen accumulator."""
    if name == "sum":
        return numbers["initial_accumulator_value"]
    return np.zeros(len(numbers))
