"""What is known of a run beside its curves: optimizer, schedule, data, network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

RATE_KEYS = ("lr", "optimizer.lr", "scheduler.max_lr")
"""Keys of a config that can set the peak rate: the run's, the optimizer's, and that of torch's schedules with a top."""


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run beside its curves. None means not known, as with runs that lrscope did not make."""

    peak_lr: float | None = None
    """The largest rate that the config asks for, wherever it says so."""
    rate_key: str = "lr"
    """The config key that says so: what a user changes to train at another rate."""
    optimizer: str | None = None
    """Class name, e.g. ``Adam``."""
    momentum: float | None = None
    nesterov: bool = False
    beta1: float | None = None
    scheduler: str | None = None
    """Name of the option or class, ``constant`` where the rate is meant to stay."""
    scheduler_arguments: Mapping[str, Any] = field(default_factory=dict)
    scheduler_interval: str | None = None
    """``step`` or ``epoch``: what the schedule counts in."""
    planned_steps: int | None = None
    """Updates that the run was to make."""
    steps_per_epoch: int | None = None
    task: str | None = None
    """``classification`` or ``regression``."""
    class_shares: tuple[float, ...] = ()
    """Share of each class in the training part."""
    batch_size: int | None = None
    examples: int | None = None
    """Size of the training part."""
    constant_loss: float | None = None
    """Training loss of the best constant answer: what a network reaches that learns nothing of its inputs."""
    floor_loss: float | None = None
    """Training loss below which no answer gets: equal inputs have different targets."""
    target_range: tuple[float, float] | None = None
    """Lowest and highest target of a regression."""
    largest_input: float | None = None
    """Largest absolute value among the inputs."""
    broken_examples: int | None = None
    """Training examples with an input or a target that is not finite."""
    weight_decay: float | None = None
    clip_value: float | None = None
    clip_algorithm: str | None = None
    """``norm``: of the whole gradient, ``value``: of each entry."""
    parameters: int | None = None
    """Numbers that are trained."""
    dropout: float | None = None
    """Largest share of units that a layer drops."""
    batch_norm: bool | None = None
    answers: str | None = None
    """The function that the network's answers come out of, where it bounds them: ``softmax``, ``sigmoid`` …"""
    saturated: float | None = None
    """Share of the saturating units (sigmoid, tanh) that were flat before the first update."""
    settings: str | None = None
    """Digest of all settings but rate and seed: equal for runs that tell of each other's rates."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunFacts:
        """The facts of a stored run; keys of other versions are ignored."""
        known = {f.name for f in fields(cls)}
        stored = {key: value for key, value in json.loads(text).items() if key in known}
        stored["class_shares"] = tuple(stored.get("class_shares", ()))
        if stored.get("target_range") is not None:
            stored["target_range"] = tuple(stored["target_range"])
        return cls(**stored)
