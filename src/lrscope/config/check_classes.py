"""The classes that the groups name by ``_target_``, as far as that can be seen on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lrscope.core.as_typed import as_typed
from lrscope.core.errors import Problem

CLASS_NAME = "must name a class as package.module.Class"


def check_targets(cfg: Any) -> Iterator[Problem]:
    for group, example in (("dataset", "digits"), ("model", "mlp"), ("optimizer", "adam")):
        target = cfg[group].get("_target_")
        if group == "optimizer" and target is None and cfg.optimizer.get("name") == "own":
            yield from _check_own_optimizer(cfg.optimizer)
        elif not isinstance(target, str) or not target:
            yield Problem(f"{group}._target_", str(target), CLASS_NAME, f"Try {group}={example}.")
    for group, otherwise in (("scheduler", "scheduler=constant"), ("loss", "loss=auto")):
        target = cfg[group].get("_target_")
        if target is not None and not isinstance(target, str):
            yield Problem(f"{group}._target_", as_typed(target), CLASS_NAME, f"Try {otherwise}.")


def _check_own_optimizer(optimizer: Any) -> Iterator[Problem]:
    for key in optimizer:
        if key not in ("name", "_target_", "lr") and optimizer[key] not in (None, {}):
            rule = "the module's own configure_optimizers does not see it"
            yield Problem(f"optimizer.{key}", str(optimizer[key]), rule, "Set it there, or choose optimizer=adam.")


TAKEN = ("loss", "loss_epoch", "loss_eval", "loss_start", "loss_late", "loss_constant", "acc")
"""Metrics of a part that every run records by itself."""


def check_metrics(cfg: Any) -> Iterator[Problem]:
    for name, metric in cfg.metrics.items():
        target = metric.get("_target_") if hasattr(metric, "get") else None
        if not isinstance(target, str) or not target:
            remedy = f"Write '+metrics.{name}._target_=torchmetrics.classification.F1Score', or metrics=[f1]."
            yield Problem(f"metrics.{name}", str(metric), "must name a class by its _target_", remedy)
        if str(name) in TAKEN or not re.fullmatch(r"\w+", str(name)):
            rule = "is recorded already under this name" if str(name) in TAKEN else "is no plain word"
            yield Problem(f"metrics.{name}", str(target), rule, "Give it another name.")
