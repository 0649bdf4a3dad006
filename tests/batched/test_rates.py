"""torch's schedulers drive many members as they drive one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from both_ways import CONF, SCHEDULERS, member_config
from omegaconf import OmegaConf
from torch.optim import Optimizer

from lrscope.batched.model.member_rates import Rates, Schedule
from lrscope.training import build

RATES = [1e-4, 0.01, 0.3, 1.0]
STEPS, EPOCHS = 5, 12


def _made(scheduler: str, rate: float, *overrides: str) -> tuple[Optimizer, Schedule | None]:
    cfg = member_config(
        EPOCHS, STEPS, f"scheduler={scheduler}", "optimizer=sgd", "optimizer.momentum=0.8", *overrides, lr=rate
    )
    optimizer = build.optimizer(cfg, [torch.nn.Parameter(torch.zeros(1))])
    made = build.schedule(cfg, optimizer)
    return optimizer, Schedule(made, cfg.scheduler.interval, cfg.scheduler.get("monitor")) if made is not None else None


def _metric(member: int, epoch: int) -> float:
    return [1.0, 1 / (epoch + 1), (epoch % 3) + 1.0, 2.0][member]


def _alone(optimizer: Optimizer, schedule: Schedule | None, member: int) -> list[tuple[float, float]]:
    curve = []
    for epoch in range(EPOCHS):
        for _ in range(STEPS):
            group = optimizer.param_groups[0]
            curve.append((group["lr"], group["momentum"]))
            optimizer.step()
            if schedule is not None and schedule.interval == "step":
                schedule.scheduler.step()
        if schedule is not None and schedule.interval == "epoch":
            schedule.scheduler.step(*([_metric(member, epoch)] if schedule.monitor else []))
    return curve


def _together(
    rates: Rates, optimizers: list[Optimizer], numbers: list[int], epochs: range
) -> list[list[tuple[float, float]]]:
    curves: list[list[tuple[float, float]]] = [[] for _ in numbers]
    for epoch in epochs:
        for _ in range(STEPS):
            for curve, rate, optimizer in zip(curves, rates.current, optimizers, strict=True):
                curve.append((rate, optimizer.param_groups[0]["momentum"]))
            rates.after_step()
        rates.after_epoch([{"val/loss": _metric(number, epoch)} for number in numbers])
    return curves


CASES = [(name, ()) for name in SCHEDULERS] + [
    ("cyclic", ("scheduler.cycle_momentum=true", "scheduler.mode=exp_range")),
    ("one_cycle", ("scheduler.cycle_momentum=true",)),
    ("plateau", ("scheduler.patience=1",)),
    ("step", ("scheduler.step_size=3",)),
]


@pytest.mark.parametrize(("scheduler", "overrides"), CASES)
def test_every_members_curve_is_its_solo_curve_also_when_others_leave(
    scheduler: str, overrides: tuple[str, ...]
) -> None:
    made = [_made(scheduler, rate, *overrides) for rate in RATES]
    optimizers, schedules = [list(column) for column in zip(*made, strict=True)]
    rates = Rates(optimizers, schedules)
    curves = _together(rates, optimizers, [0, 1, 2, 3], range(5))
    rates.keep([0, 2, 3])
    left = [optimizers[k] for k in (0, 2, 3)]
    later = _together(rates, left, [0, 2, 3], range(5, EPOCHS))
    single = [_alone(*_made(scheduler, rate, *overrides), number) for number, rate in enumerate(RATES)]
    assert curves == [curve[: 5 * STEPS] for curve in single]
    assert later == [single[k][5 * STEPS :] for k in (0, 2, 3)]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_members_go_on_from_their_own_states(scheduler: str) -> None:
    def fresh() -> tuple[list[Optimizer], list[Schedule | None]]:
        made = [_made(scheduler, rate) for rate in RATES]
        return [optimizer for optimizer, _ in made], [schedule for _, schedule in made]

    optimizers, schedules = fresh()
    first = Rates(optimizers, schedules)
    _together(first, optimizers, [0, 1, 2, 3], range(4))
    states = copy.deepcopy(
        [made.state_dict() if made is not None else None for made in map(first.scheduler_of, range(4))]
    )
    saved = copy.deepcopy([optimizer.state_dict() for optimizer in optimizers])
    expected = _together(first, optimizers, [0, 1, 2, 3], range(4, EPOCHS))
    others, again = fresh()
    for optimizer, schedule, state, own in zip(others, again, states, saved, strict=True):
        optimizer.load_state_dict(own)
        if schedule is not None and state is not None:
            schedule.scheduler.load_state_dict(state)
    assert _together(Rates(others, again), others, [0, 1, 2, 3], range(4, EPOCHS)) == expected


def test_schedules_that_differ_in_their_rate_only_share_one_scheduler() -> None:
    def drivers(*choices: tuple[Any, ...]) -> int:
        optimizers, schedules = zip(*(_made(*choice) for choice in choices), strict=True)
        return len(Rates(optimizers, schedules)._drivers)

    assert drivers(*(("cosine", rate) for rate in RATES)) == 1
    assert drivers(*(("one_cycle", rate) for rate in RATES)) == 1
    assert drivers(*(("cyclic", rate) for rate in RATES)) == 1
    assert drivers(*(("constant", rate) for rate in RATES)) == 0
    assert drivers(*(("plateau", rate) for rate in RATES)) == len(RATES)
    assert drivers(("cosine", 0.1), ("cosine", 0.1, "scheduler.eta_min=0.001"), ("step", 0.1)) == 3


def test_a_chain_of_schedulers_is_shared_too() -> None:
    def made(rate: float) -> tuple[Optimizer, Schedule]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.8)
        parts = [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=10),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50),
        ]
        return optimizer, Schedule(torch.optim.lr_scheduler.SequentialLR(optimizer, parts, [10]), "step")

    optimizers, schedules = [list(column) for column in zip(*(made(rate) for rate in RATES), strict=True)]
    rates = Rates(optimizers, schedules)
    assert len(rates._drivers) == 1
    curves = _together(rates, optimizers, [0, 1, 2, 3], range(EPOCHS))
    assert curves == [_alone(*made(rate), number) for number, rate in enumerate(RATES)]


def test_the_conf_files_name_schedules() -> None:
    assert all("interval" in OmegaConf.load(CONF / "scheduler" / f"{n}.yaml") for n in SCHEDULERS if n != "staircase")
