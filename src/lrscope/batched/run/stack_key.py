"""Which runs can be one stack: those that differ in numbers only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lrscope.batched.model.update_rules import RULES
from lrscope.core.fingerprint import flatten, relevant
from lrscope.runs.prepare import PreparedRun
from lrscope.training.build import planned_epochs
from lrscope.training.checkpoint_state import BEGINNING, Position, nothing_left
from lrscope.training.lightning_class import trains_itself

MAY_DIFFER = (
    "lr",
    "seed",
    "scheduler",
    "optimizer.lr",
    "optimizer.momentum",
    "optimizer.dampening",
    "optimizer.weight_decay",
    "optimizer.betas",
    "optimizer.eps",
    "optimizer.alpha",
    "optimizer.lr_decay",
    "optimizer.initial_accumulator_value",
    "trainer.gradient_clip_val",
    "trainer.gradient_clip_algorithm",
    "callbacks.stop_when",
    "callbacks.stop_grace_epochs",
    "callbacks.early_stopping",
    "callbacks.checkpoint.monitor",
)
"""What each member of a stack has for itself. All else is one for all: network, data, batch size, epochs,
precision, the optimizer's class and its options that are not numbers, what is measured and how often.
"""

_OPTIMIZERS = {kind.__name__ for kind in RULES}


@dataclass(frozen=True)
class Candidate:
    """A run that a launcher wants to train: its number among the jobs, and the checkpoint that it goes on from."""

    number: int
    run: PreparedRun
    position: Position = BEGINNING
    content: Mapping[str, Any] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to train."""
        return self.content is not None and nothing_left(self.content, planned_epochs(self.run.cfg))


def why_not_batched(run: PreparedRun) -> str | None:
    """Why this run trains alone, in words; None where nothing speaks against a stack as far as a config can
    tell.
    """
    cfg, trainer = run.cfg, run.cfg.trainer
    target = str(cfg.optimizer.get("_target_"))
    own = trains_itself(cfg)  # which one that is, it says when it is made
    decides_by_epoch = cfg.callbacks.early_stopping.enabled or cfg.scheduler.get("monitor") is not None
    found = {
        "its batches come from a DataModule": run.source.data is None,
        f"there is no batched update rule for {target.rsplit('.', 1)[-1]}": not own and not _has_rule(target),
        "it trains on several devices": not _one_device(trainer),
        "a callback of the user's own would see the stack and not its member": bool(cfg.callbacks.extra),
        "the sharpness is measured run by run": cfg.callbacks.sharpness_every_epochs is not None,
        "single parameters are followed run by run": cfg.callbacks.parameters,
        "its schedule has a frequency, which Lightning counts": (cfg.scheduler.get("frequency") or 1) != 1,
        "its metrics are not evaluated every epoch": decides_by_epoch and cfg.callbacks.evaluate_every_epochs > 1,
    }
    words = next((words for words, is_so in found.items() if is_so), None)
    if words is None and run.objective.of_module:
        from lrscope.batched.run.steps_alone import hooks_of_its_own  # a network needs nothing of what it imports

        return hooks_of_its_own(cfg)
    return words


def stacks(
    candidates: Sequence[Candidate], was_stacked: Callable[[Candidate], bool] = lambda _: False
) -> list[list[Candidate]]:
    """The candidates that can train together, in the order of their first; those without a companion are left
    out, unless an earlier call trained them in a stack: alone they would end a rounding error away.
    """
    alike: dict[tuple[str, bool], list[Candidate]] = {}
    for candidate in candidates:
        key = stack_key(candidate.run, candidate.position), candidate.has_ended
        alike.setdefault(key, []).append(candidate)
    return [group for group in alike.values() if len(group) > 1 or was_stacked(group[0])]


def stack_key(run: PreparedRun, position: Position = BEGINNING) -> str:
    """A text that is equal for runs that differ in numbers only and stand at the same step."""
    shared = {key: value for key, value in relevant(run.config).items() if not _may_differ(key)}
    recorded = flatten(run.config.get("tracking", {}))
    facts = [shared, recorded, run.source.digest, [position.epoch, position.batches, position.updates]]
    return json.dumps(facts, sort_keys=True, default=str)


def _may_differ(key: str) -> bool:
    group = key.startswith("optimizer.groups.") and key.endswith((".lr", ".lr_factor", ".weight_decay"))
    return group or any(key == name or key.startswith(name + ".") for name in MAY_DIFFER)


def _has_rule(target: str) -> bool:
    return target.startswith("torch.optim.") and target.rsplit(".", 1)[-1] in _OPTIMIZERS


def _one_device(trainer: Any) -> bool:
    if trainer.num_nodes != 1 or str(trainer.strategy) not in ("auto", "single_device"):
        return False
    if str(trainer.devices) in ("auto", "-1"):
        return trainer.accelerator == "cpu" or torch.cuda.device_count() < 2
    listed = str(trainer.devices)
    return listed == "1" or (listed.startswith("[") and "," not in listed)
