"""What Lightning's Trainer would take and not do, or not take: told of the key, before anything is loaded."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from lrscope.config.closed_keys import LIGHTNINGS_OWN
from lrscope.core.as_typed import as_typed
from lrscope.core.errors import Problem

MOST_THREADS = 1024
"""Of far more of them torch ends the process without a word."""

CLUSTER = ("MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID", "KUBERNETES_PORT")
"""Variables of which each says that somebody tells the nodes of each other."""


def check_trainer(trainer: Any) -> Iterator[Problem]:
    yield from at_least_one("trainer.accumulate_grad_batches", trainer.accumulate_grad_batches, "1 takes none together")
    yield from at_least_one("trainer.limit_train_batches", trainer.limit_train_batches, "null takes all")
    yield from at_least_one("trainer.threads", trainer.threads, "null chooses by the network")
    if (trainer.threads or 0) > MOST_THREADS:
        rule = f"must be from 1 to {MOST_THREADS}"
        yield Problem("trainer.threads", str(trainer.threads), rule, "null chooses by the network.")
    clip = trainer.gradient_clip_val
    if clip is not None and not (math.isfinite(clip) and clip > 0):
        yield Problem(
            "trainer.gradient_clip_val", f"{clip:g}", "must be a finite number above 0", "null clips nothing."
        )
    yield from _check_machines(trainer)
    yield from _check_switches(trainer)


def _check_machines(trainer: Any) -> Iterator[Problem]:
    devices = trainer.devices
    if devices is None or isinstance(devices, (bool, float)) or devices in (0, "", "0"):
        rule = "must be a number of devices, a list of them, or auto"
        yield Problem("trainer.devices", as_typed(devices), rule, "Try trainer.devices=1.")
    nodes = trainer.num_nodes
    yield from at_least_one("trainer.num_nodes", nodes, "of one machine it is 1")
    if nodes > 1 and not any(name in os.environ for name in CLUSTER):
        rule = "would wait for the other machines, and nothing says where they are"
        remedy = "Start it on each of them by torchrun or srun, or set MASTER_ADDR and NODE_RANK there."
        yield Problem("trainer.num_nodes", str(nodes), rule, remedy)


def _check_switches(trainer: Any) -> Iterator[Problem]:
    wrong = [name for name in LIGHTNINGS_OWN if not isinstance(trainer.get(name, False), bool)]
    for name in wrong:
        yield Problem(f"trainer.{name}", as_typed(trainer[name]), "must be true or false", f"Try +trainer.{name}=true.")
    if "benchmark" not in wrong and trainer.get("benchmark") and trainer.deterministic:
        rule = "chooses by time, which trainer.deterministic=true rules out"
        yield Problem("trainer.benchmark", "true", rule, "Add trainer.deterministic=false, or leave it out.")


def at_least_one(key: str, value: int | None, remedy: str) -> Iterator[Problem]:
    if value is not None and value < 1:
        yield Problem(key, str(value), "must be at least 1", f"Try 1; {remedy}.")
