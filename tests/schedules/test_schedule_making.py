"""Schedulers as they are made, saved and refused: by what a run goes through, from the composed config on."""

from __future__ import annotations

import io

import pytest
import torch
from omegaconf import DictConfig
from shipped_schedules import SHIPPED, composed, optimizer_of, stepped, used

from lrscope.config.validate import check
from lrscope.core.errors import InputError, Problem
from lrscope.training import build


@pytest.mark.parametrize("name", sorted(set(SHIPPED) - {"constant"}))
def test_a_saved_schedule_goes_on_where_it_was(name: str) -> None:
    """Through a file read with weights_only, half way through, to the last bit of every later rate."""
    cfg, file = composed(name, lr=0.1), io.BytesIO()
    saved, resumed = optimizer_of(cfg), optimizer_of(cfg)
    rates = stepped(cfg, saved)
    used(rates, cfg, 50)
    scheduler = rates.scheduler_of(0)
    assert scheduler is not None
    torch.save((scheduler.state_dict(), saved.state_dict()), file)
    continued = stepped(cfg, resumed)
    file.seek(0)
    of_scheduler, of_optimizer = torch.load(file, weights_only=True)
    resumed.load_state_dict(of_optimizer)
    again = continued.scheduler_of(0)
    assert again is not None
    again.load_state_dict(of_scheduler)
    assert used(continued, cfg, 50)[1:] == used(rates, cfg, 50)[1:]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_rate_stays_a_python_float(name: str) -> None:
    cfg = composed(name, lr=0.1)
    optimizer = optimizer_of(cfg)
    used(stepped(cfg, optimizer), cfg, 20)
    assert type(optimizer.param_groups[0]["lr"]) is float


@pytest.mark.parametrize("name", ["cyclic", "one_cycle"])
def test_momentum_stays_unless_asked(name: str) -> None:
    def momentum(*overrides: str) -> float:
        cfg = composed(name, *overrides, lr=0.1)
        optimizer = optimizer_of(cfg, momentum=0.7)
        used(stepped(cfg, optimizer), cfg, 20)
        return float(optimizer.param_groups[0]["momentum"])

    assert momentum() == 0.7
    assert momentum("scheduler.cycle_momentum=true") != 0.7


def test_each_group_keeps_its_own_peak() -> None:
    cfg = composed("staircase", "scheduler.decay_steps=1", "scheduler.decay_rate=0.5")
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (1.0, 0.1)]
    optimizer = torch.optim.SGD(groups)
    used(stepped(cfg, optimizer), cfg, 1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.05]


STEPPED = {
    "constant": ("epoch", None),
    "cosine": ("step", None),
    "cyclic": ("step", None),
    "exponential": ("step", None),
    "multistep": ("epoch", None),
    "one_cycle": ("step", None),
    "plateau": ("epoch", "val/loss"),
    "staircase": ("step", None),
    "step": ("epoch", None),
    "warmup_cosine": ("step", None),
}


def test_each_says_how_it_is_stepped() -> None:
    says = {name: composed(name).scheduler for name in SHIPPED}
    assert {name: (how.get("interval", "epoch"), how.get("monitor")) for name, how in says.items()} == STEPPED


REFUSED = [
    ("exponential", "decay_steps=0", "scheduler.decay_steps=0: must be a whole number above 0"),
    ("exponential", "decay_steps=abc", "scheduler.decay_steps=abc: must be a whole number above 0"),
    ("exponential", "decay_rate=-1", "scheduler.decay_rate=-1: must be above 0"),
    ("step", "step_size=0", "scheduler.step_size=0: must be a whole number above 0"),
    ("step", "interval=minute", "scheduler.interval=minute: must be step or epoch"),
    (
        "multistep",
        "milestones=[20,10]",
        "scheduler.milestones=[20,10]: must be whole numbers above 0 that rise",
    ),
    ("multistep", "milestones=[]", "scheduler.milestones=[]: must be whole numbers above 0 that rise"),
    ("plateau", "factor=1", "scheduler.factor=1: must lie between 0 and 1"),
    ("plateau", "patience=-1", "scheduler.patience=-1: must be a whole number, 0 or above"),
    ("plateau", "min_lr=1", "scheduler.min_lr=1: lies above the peak rate lr=0.1"),
    ("plateau", "monitor=null", "scheduler.monitor=null: must name a metric"),
    ("plateau", "interval=step", "scheduler.interval=step: its metric exists once an epoch"),
    ("plateau", "mode=low", "scheduler.mode=low: must be one of min, max"),
    ("cyclic", "half_cycle_epochs=0", "scheduler.half_cycle_epochs=0: must be above 0"),
    ("cyclic", "base_lr=0.2", "scheduler.base_lr=0.2: lies above the peak rate lr=0.1"),
    ("cyclic", "mode=square", "scheduler.mode=square: must be one of triangular, triangular2, exp_range"),
    (
        "cyclic",
        "steps_per_epoch=null",
        "scheduler.steps_per_epoch=null: must be a whole number above 0",
    ),
    ("warmup_cosine", "warmup=1", "scheduler.warmup=1: must be 0 or above and below 1"),
    ("warmup_cosine", "total_steps=null", "scheduler.total_steps=null: must be a whole number above 0"),
    ("one_cycle", "pct_start=1.5", "scheduler.pct_start=1.5: must lie between 0 and 1"),
    ("cosine", "T_max=0", "scheduler.T_max=0: must be a whole number above 0"),
]


def problems(cfg: DictConfig) -> tuple[Problem, ...]:
    """What a run with this schedule is refused for: on paper, or by the one who makes it."""
    # The numbers of steps are filled in once the data is known: no user sets them.
    on_paper = [problem for problem in check(cfg) if problem.key not in ("steps_per_epoch", "total_steps")]
    if on_paper:
        return tuple(on_paper)
    with pytest.raises(InputError) as refused:
        build.schedule(cfg, optimizer_of(cfg))
    return tuple(refused.value.problems)


@pytest.mark.parametrize(("name", "override", "words"), REFUSED)
def test_wrong_arguments_are_refused_in_words(name: str, override: str, words: str) -> None:
    found = problems(composed(name, f"scheduler.{override}", lr=0.1))
    assert words in "\n".join(map(str, found))


def test_all_wrong_arguments_are_told_at_once() -> None:
    assert len(problems(composed("plateau", "scheduler.factor=2", "scheduler.patience=1.5"))) == 2
