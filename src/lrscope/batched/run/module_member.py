"""A member of a stack that is a LightningModule: itself, with the optimizer and schedule that Lightning would get of
it.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.core.optimizer import _configure_optimizers, _configure_schedulers_automatic_opt
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.batched.model.member_rates import Schedule
from lrscope.batched.model.stack import CannotStack
from lrscope.batched.model.update_rules import RULES
from lrscope.batched.run.step_forward import NoTrainer
from lrscope.runs.fit import with_network
from lrscope.runs.fit_user_module import make_user_module
from lrscope.runs.prepare import PreparedRun
from lrscope.training.user_module.evaluate_module import KeepBestOfModule
from lrscope.training.user_module.record_module_steps import RecordModuleSteps

KEPT_AS = RecordModuleSteps.__qualname__, KeepBestOfModule.__qualname__
"""What counts the steps of a single run and what keeps its best weights, by their names in its checkpoint."""


def module_parts(run: PreparedRun) -> tuple[PreparedRun, pl.LightningModule, Optimizer, Schedule | None]:
    """Seed, module, optimizer, schedule, in the order of a single run; and the run with what its module tells of it.

    Raises:
        CannotStack: it has several optimizers, or one without a batched update rule, or a schedule that only Lightning
            knows to move.
    """
    module = make_user_module(run)
    run = with_network(run, module, look=False)
    if not module.automatic_optimization:
        raise CannotStack("it steps its optimizers by itself (automatic_optimization is False)")
    return run, module, *_optimizer(module)


def _optimizer(module: pl.LightningModule) -> tuple[Optimizer, Schedule | None]:
    object.__setattr__(module, "_trainer", NoTrainer())
    try:
        made: Any = module.configure_optimizers()
    finally:
        object.__setattr__(module, "_trainer", None)
    optimizers, schedules, monitor = _configure_optimizers(made)
    if len(optimizers) != 1 or len(schedules) > 1:
        kind = "optimizers" if len(optimizers) != 1 else "schedules"
        raise CannotStack(f"its configure_optimizers makes {max(len(optimizers), len(schedules))} {kind}")
    (optimizer,) = optimizers
    if type(optimizer) not in RULES:
        raise CannotStack(f"there is no batched update rule for {type(optimizer).__name__}")
    for config in _configure_schedulers_automatic_opt(schedules, monitor):
        if config.frequency != 1:
            raise CannotStack("its schedule has a frequency, which Lightning counts")
        if config.interval == "step" and isinstance(config.scheduler, ReduceLROnPlateau):
            raise CannotStack("its schedule looks at a metric after every step")
        return optimizer, Schedule(config.scheduler, config.interval, config.monitor)
    return optimizer, None
