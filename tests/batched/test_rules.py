"""Every update rule against torch's own optimizer, member by member."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from lrscope.batched.model.numbers import Numbers, to_device
from lrscope.batched.model.update_rules import RULES, start_of

RATES = [1e-6, 1e-3, 0.03, 1.0, 10.0]
STEPS = 200

CASES: list[tuple[type[Optimizer], list[dict[str, Any]]]] = [
    (SGD, [{}]),
    (SGD, [{"momentum": 0.9}]),
    (SGD, [{"momentum": m, "nesterov": True} for m in (0.9, 0.5, 0.99, 0.1, 0.7)]),
    (SGD, [{"momentum": m, "dampening": 0.3, "weight_decay": d} for m, d in ((0, 0.1), (0.9, 0), (0.5, 1e-3))]),
    (Adam, [{}]),
    (Adam, [{"betas": (0.8, 0.95), "eps": 1e-3}, {"betas": (0.0, 0.5), "weight_decay": 0.1}, {}]),
    (Adam, [{"amsgrad": True, "maximize": True}]),
    (AdamW, [{}, {"weight_decay": 0.0}, {"weight_decay": 0.5}]),
    (RMSprop, [{}]),
    (RMSprop, [{"centered": True, "momentum": m, "alpha": a} for m, a in ((0.9, 0.9), (0.5, 0.99))]),
    (Adagrad, [{}]),
    (Adagrad, [{"lr_decay": d, "initial_accumulator_value": a, "weight_decay": 0.01} for d, a in ((0, 0.1), (0.1, 0))]),
]


def _gradients(start: Tensor) -> list[Tensor]:
    """Something with every sign and size, another at each step, for both ways: made from the weights of one of them, it
    would make a last place that a processor rounds otherwise a different training.
    """
    return [torch.sin(start * 3 + step) * 10.0 ** ((step % 7) - 4) for step in range(STEPS)]


def _alone(make: type[Optimizer], options: list[dict[str, Any]], start: Tensor) -> tuple[Tensor, list[Optimizer]]:
    rows, optimizers = [], []
    for row, rate in zip(start, RATES, strict=True):
        parameter = torch.nn.Parameter(row.clone())
        optimizer = make([parameter], lr=rate, foreach=False, **options[len(rows) % len(options)])
        for gradient in _gradients(row):
            parameter.grad = gradient
            optimizer.step()
        rows.append(parameter.detach())
        optimizers.append(optimizer)
    return torch.stack(rows), optimizers


def _together(make: type[Optimizer], options: list[dict[str, Any]], start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    rule = RULES[make]
    dummy = [torch.nn.Parameter(torch.zeros(1)) for _ in RATES]
    made = [make([p], lr=r, **options[i % len(options)]) for i, (p, r) in enumerate(zip(dummy, RATES, strict=True))]
    numbers = Numbers([optimizer.param_groups[0] for optimizer in made], rule.flags)
    weights = start.clone()
    state = {n: to_device({n: start_of(n, numbers)}, start)[n].expand_as(start).clone() for n in rule.state(numbers)}
    for step, gradient in enumerate(_gradients(start)):
        columns = to_device(rule.coefficients(numbers, step + 1), weights)
        rule.update(weights, -gradient if numbers.flags["maximize"] else gradient, state, columns, numbers.flags)
    return weights, state


@pytest.mark.parametrize(("make", "options"), CASES, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_every_rule_takes_the_steps_of_torchs_optimizer(
    make: type[Optimizer], options: list[dict[str, Any]], dtype: torch.dtype
) -> None:
    start = torch.randn(len(RATES), 37, generator=torch.Generator().manual_seed(0), dtype=dtype)
    alone, optimizers = _alone(make, options, start)
    together, state = _together(make, options, start)
    near = STEPS * torch.finfo(dtype).eps  # a rounding a step
    for mine, one in zip(together, alone, strict=True):
        torch.testing.assert_close(mine, one, rtol=near, atol=near * float(one.abs().max()))
    for name, rows in state.items():
        for row, optimizer in zip(rows, optimizers, strict=True):
            (own,) = optimizer.state.values() or ({},)
            if name in own:
                torch.testing.assert_close(row, own[name], rtol=near, atol=near * float(own[name].abs().max()))
