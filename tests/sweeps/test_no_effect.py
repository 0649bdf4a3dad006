"""Axes that change nothing are found before anything trains, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from lrscope.config import schema
from lrscope.core.errors import InputError
from lrscope.core.paths import project_root
from lrscope.sweeps.check import raise_problems
from lrscope.sweeps.no_effect import idle_axes

ALGORITHM, PATIENCE = "trainer.gradient_clip_algorithm", "callbacks.early_stopping.patience"
ONE_CYCLE = ("scheduler=one_cycle", "scheduler.max_lr=0.01")


def configs(fixed: tuple[str, ...], *members: str) -> list[DictConfig]:
    schema.register()
    with initialize_config_dir(str(project_root() / "conf"), version_base="1.3"):
        return [compose("train", ["tracking=off", *fixed, *member.split()]) for member in members]


@pytest.mark.parametrize(
    ("fixed", "members", "key", "because"),
    [
        (("optimizer.lr=0.01",), ("lr=0.1", "lr=0.01"), "lr", "optimizer.lr"),
        (ONE_CYCLE, ("lr=0.1", "lr=0.01", "lr=0.001"), "lr", "scheduler.max_lr"),
        (ONE_CYCLE, ("optimizer.lr=0.1", "optimizer.lr=0.01"), "optimizer.lr", "scheduler.max_lr"),
        (ONE_CYCLE, ("lr=0.1 seed=0", "lr=0.01 seed=0", "lr=0.1 seed=1", "lr=0.01 seed=1"), "lr", "scheduler.max_lr"),
        ((), (f"{ALGORITHM}=norm", f"{ALGORITHM}=value"),
         "trainer.gradient_clip_algorithm", "clips nothing"),
        ((), (f"{PATIENCE}=1", f"{PATIENCE}=9"),
         "callbacks.early_stopping.patience", "enabled"),
    ],
)  # fmt: skip
def test_an_axis_that_is_not_read_is_told(
    fixed: tuple[str, ...], members: tuple[str, ...], key: str, because: str
) -> None:
    (problem,) = idle_axes(configs(fixed, *members))
    assert problem.key == key
    assert "changes nothing" in problem.rule and because in problem.rule


@pytest.mark.parametrize(
    ("fixed", "members"),
    [
        ((), ("lr=0.1", "lr=0.01")),
        (("scheduler=one_cycle",), ("lr=0.1", "lr=0.01")),
        ((), ("optimizer.lr=0.1", "optimizer.lr=0.01")),
        (("scheduler=one_cycle",), ("scheduler.max_lr=0.1", "scheduler.max_lr=0.01")),
        (("trainer.gradient_clip_val=1",), (f"{ALGORITHM}=norm", f"{ALGORITHM}=value")),
        (("callbacks.early_stopping.enabled=true",), (f"{PATIENCE}=1", f"{PATIENCE}=9")),
        (("optimizer.lr=0.01", "+model.noise=${lr}"), ("lr=0.1", "lr=0.01")),
        ((), ("seed=0", "seed=1")),
        ((), ("lr=0.1", "lr=0.1")),
    ],
)  # fmt: skip
def test_an_axis_that_is_read_is_left_alone(fixed: tuple[str, ...], members: tuple[str, ...]) -> None:
    assert idle_axes(configs(fixed, *members)) == []


def deaf(optimizer: Any) -> Any:
    """A user's schedule that sets a rate of its own."""
    from torch.optim.lr_scheduler import LambdaLR

    lr = optimizer.param_groups[0]["lr"]
    return LambdaLR(optimizer, lambda step: 0.01 / lr / (1 + step))


def halving(optimizer: Any) -> Any:
    from torch.optim.lr_scheduler import LambdaLR

    return LambdaLR(optimizer, lambda step: 0.5**step)


def test_a_schedule_that_makes_the_same_rates_of_every_lr_is_seen_by_making_it() -> None:
    own = ("scheduler._target_=test_no_effect.deaf", "epochs=1", "dataset=blobs")
    with pytest.raises(InputError, match="makes the same rates"):
        raise_problems(configs(own, "lr=0.125", "lr=0.25"))
    raise_problems(configs(("scheduler._target_=test_no_effect.halving", *own[1:]), "lr=0.125", "lr=0.25"))
