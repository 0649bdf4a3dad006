"""Schedulers as they are made, saved and refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from shipped_schedules import SHIPPED, schedule
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.core.errors import InputError
from lrscope.schedules.making import make
from lrscope.schedules.stepping import Interval, stepping


def optimizer(lr: float = 0.1, **arguments: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, **arguments)


def used_rates(made: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[float]:
    used = []
    for _ in range(steps):
        used.append(made.param_groups[0]["lr"])
        made.step()
        if scheduler is not None:
            scheduler.step(1.0) if isinstance(scheduler, ReduceLROnPlateau) else scheduler.step()
    return used


@pytest.mark.parametrize("name", sorted(set(SHIPPED) - {"constant"}))
def test_a_saved_schedule_goes_on_where_it_was(name):
    """Through a file read with weights_only, half way through, to the last bit of every later rate."""
    config, saved, file = schedule(name, lr=0.1), optimizer(), io.BytesIO()
    scheduler = make(config, saved)
    used_rates(saved, scheduler, 50)
    torch.save((scheduler.state_dict(), saved.state_dict()), file)
    resumed = optimizer()
    continued = make(config, resumed)
    file.seek(0)
    of_scheduler, of_optimizer = torch.load(file, weights_only=True)
    resumed.load_state_dict(of_optimizer)
    continued.load_state_dict(of_scheduler)
    assert used_rates(resumed, continued, 50) == used_rates(saved, scheduler, 50)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_rate_stays_a_python_float(name):
    made = optimizer()
    scheduler = make(schedule(name, lr=0.1), made)
    assert {type(rate) for rate in used_rates(made, scheduler, 20)} == {float}


@pytest.mark.parametrize("name", ["cyclic", "one_cycle"])
def test_momentum_stays_unless_asked(name):
    made = optimizer(momentum=0.7)
    scheduler = make(schedule(name, lr=0.1), made)
    used_rates(made, scheduler, 20)
    assert made.param_groups[0]["momentum"] == 0.7
    cycled = optimizer(momentum=0.7)
    make(schedule(name, "scheduler.cycle_momentum=true", lr=0.1), cycled)
    assert cycled.param_groups[0]["momentum"] != 0.7


def test_each_group_keeps_its_own_peak():
    made = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (1.0, 0.1)])
    scheduler = make(schedule("staircase", "scheduler.decay_steps=1", "scheduler.decay_rate=0.5"), made)
    used_rates(made, scheduler, 1)
    assert [group["lr"] for group in made.param_groups] == [0.5, 0.05]


STEPPINGS = {
    "constant": "each epoch",
    "cosine": "each update",
    "cyclic": "each update",
    "exponential": "each update",
    "multistep": "each epoch",
    "one_cycle": "each update",
    "plateau": "each epoch on val/loss",
    "staircase": "each update",
    "step": "each epoch",
    "warmup_cosine": "each update",
}


def test_each_says_how_it_is_stepped():
    assert {name: stepping(schedule(name)).words for name in SHIPPED} == STEPPINGS
    assert stepping({"_target_": "mine.Scheduler"}).interval is Interval.EPOCH


REFUSED = [
    ("exponential", "decay_steps=0", "scheduler.decay_steps=0: must be a whole number above 0"),
    ("exponential", "decay_steps=abc", "scheduler.decay_steps=abc: must be a whole number above 0"),
    ("exponential", "decay_rate=-1", "scheduler.decay_rate=-1: must be above 0"),
    ("step", "step_size=0", "scheduler.step_size=0: must be a whole number above 0"),
    ("step", "interval=minute", "scheduler.interval=minute: must be step or epoch"),
    (
        "multistep",
        "milestones=[20,10]",
        "scheduler.milestones=[20, 10]: must be whole numbers above 0 that rise",
    ),
    ("multistep", "milestones=[]", "scheduler.milestones=[]: must be whole numbers above 0 that rise"),
    ("plateau", "factor=1", "scheduler.factor=1: must lie between 0 and 1"),
    ("plateau", "patience=-1", "scheduler.patience=-1: must be a whole number, 0 or above"),
    ("plateau", "min_lr=1", "scheduler.min_lr=1: lies above the peak rate lr=0.1"),
    ("plateau", "monitor=null", "scheduler.monitor=None: must name a metric"),
    ("plateau", "interval=step", "scheduler.interval=step: its metric exists once an epoch"),
    ("plateau", "mode=low", "scheduler.mode=low: must be one of min, max"),
    ("cyclic", "half_cycle_epochs=0", "scheduler.half_cycle_epochs=0: must be above 0"),
    ("cyclic", "base_lr=0.2", "scheduler.base_lr=0.2: lies above the peak rate lr=0.1"),
    ("cyclic", "mode=square", "scheduler.mode=square: must be one of triangular, triangular2, exp_range"),
    (
        "cyclic",
        "steps_per_epoch=null",
        "scheduler.steps_per_epoch=None: the updates of an epoch must be known",
    ),
    ("warmup_cosine", "warmup=1", "scheduler.warmup=1: must be 0 or above and below 1"),
    ("warmup_cosine", "total_steps=null", "scheduler.total_steps=None: the length of the run must be known"),
    ("one_cycle", "pct_start=1.5", "scheduler.pct_start=1.5: must lie between 0 and 1"),
    ("cosine", "T_max=0", "scheduler.T_max=0: must be a whole number above 0"),
]


@pytest.mark.parametrize(("name", "override", "words"), REFUSED)
def test_wrong_arguments_are_refused_in_words(name, override, words):
    with pytest.raises(InputError) as error:
        make(schedule(name, f"scheduler.{override}", lr=0.1), optimizer())
    assert words in str(error.value)


def test_all_wrong_arguments_are_told_at_once():
    with pytest.raises(InputError) as error:
        make(schedule("plateau", "scheduler.factor=2", "scheduler.patience=1.5"), optimizer())
    assert len(error.value.problems) == 2
