"""The shipped schedules as a run makes and steps them: composed from ``conf``, built by the factory of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from omegaconf import DictConfig, open_dict
from torch.optim import Optimizer

from lrscope.batched.model.member_rates import Rates, Schedule
from lrscope.config import schema
from lrscope.training import build

CONF = Path(__file__).resolve().parents[2] / "conf"
SHIPPED = sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml"))


def composed(
    name: str, *overrides: str, lr: float = 1.0, steps_per_epoch: int = 10, total_steps: int = 100
) -> DictConfig:
    """A run's config with that option of ``conf/scheduler``, its numbers of steps filled in."""
    schema.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [f"scheduler={name}", "optimizer=sgd", f"lr={lr!r}", *overrides])
    with open_dict(cfg):
        cfg.update({"steps_per_epoch": steps_per_epoch, "total_steps": total_steps})
    return cfg


def optimizer_of(cfg: DictConfig, **arguments: Any) -> Optimizer:
    """SGD over one weight, at the config's rate. Momentum, so that a schedule that cycles it finds one."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=cfg.lr, **{"momentum": 0.9, **arguments})


def stepped(cfg: DictConfig, optimizer: Optimizer) -> Rates:
    """The config's schedule over this optimizer, as a member of a batch is stepped through it."""
    made = build.schedule(cfg, optimizer)
    schedule = None if made is None else Schedule(made, cfg.scheduler.interval, cfg.scheduler.get("monitor"))
    return Rates([optimizer], [schedule])


def used(rates: Rates, cfg: DictConfig, steps: int, metric: Sequence[float] | None = None) -> list[float]:
    """The rate of each update; ``metric`` of each epoch, for a schedule that waits for one: None keeps it flat."""
    found = []
    for step in range(steps):
        found.append(rates.current[0])
        rates.after_step()
        if (step + 1) % cfg.steps_per_epoch == 0:
            value = 1.0 if metric is None else metric[step // cfg.steps_per_epoch]
            rates.after_epoch([{"val/loss": value}])
    return found


def curve(
    name: str, *overrides: str, lr: float = 1.0, steps_per_epoch: int = 10, total_steps: int = 100,
    metric: Sequence[float] | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """The rate of every update of a run: float64 [total_steps], element 0 that of the first one."""
    cfg = composed(name, *overrides, lr=lr, steps_per_epoch=steps_per_epoch, total_steps=total_steps)
    return np.array(used(stepped(cfg, optimizer_of(cfg)), cfg, total_steps, metric))
