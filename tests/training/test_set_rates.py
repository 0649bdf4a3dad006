"""A rate that is set in optimizers and schedules is the rate that they would have been made with."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim import lr_scheduler as schedules

from lrscope.training.user_module.set_rates import set_rates

Make = Callable[[Optimizer, float], object]

MADE: dict[str, Make] = {
    "none": lambda _optimizer, _rate: None,
    "step": lambda optimizer, _: schedules.StepLR(optimizer, 2, 0.5),
    "cosine": lambda optimizer, _: schedules.CosineAnnealingLR(optimizer, 12),
    "warmup": lambda optimizer, _: schedules.LinearLR(optimizer, 0.1, total_iters=4),
    "lambda": lambda optimizer, _: schedules.LambdaLR(optimizer, lambda step: 1 / (step + 1)),
    "one cycle": lambda optimizer, rate: schedules.OneCycleLR(optimizer, rate, total_steps=20),
    "cyclic": lambda optimizer, rate: schedules.CyclicLR(optimizer, rate / 10, rate, 3, cycle_momentum=False),
    "warmup, then cosine": lambda optimizer, _: schedules.SequentialLR(
        optimizer,
        [schedules.LinearLR(optimizer, 0.1, total_iters=4), schedules.CosineAnnealingLR(optimizer, 8)],
        [4],
    ),
}


def rates(make: Make, made_at: float, rate: float | None = None) -> list[float]:
    """Of twelve updates; ``rate`` is set behind the making."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=made_at, momentum=0.9)
    schedule = make(optimizer, made_at)
    if rate is not None:
        set_rates([optimizer], [{"scheduler": schedule}] if schedule is not None else [], rate)
    found = []
    for _ in range(12):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule is not None:
            schedule.step()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", MADE)
def test_is_as_if_made_with_it(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = rates(MADE[name], 0.02)
        assert rates(MADE[name], 0.3, 0.02) == pytest.approx(expected, rel=1e-9)


def test_groups_and_optimizers_keep_their_ratios() -> None:
    one, other = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    first = SGD([{"params": [one]}, {"params": [other], "lr": 0.03}], lr=0.01)
    second = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.005)
    set_rates([first, second], [], 0.1)
    assert [group["lr"] for group in first.param_groups] == [0.1, pytest.approx(0.3)]
    assert second.param_groups[0]["lr"] == pytest.approx(0.05)
