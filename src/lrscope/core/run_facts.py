"""What is known of a run beside its curves: optimizer, schedule, data, network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lrscope.core.from_store import entries, finite, line, number, whole
from lrscope.core.trials import Trials

MOST_CLASSES = 100_000

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
    scheduler_frequency: int | None = None
    """It moves once in so many of these."""
    planned_steps: int | None = None
    """Updates that the run was to make."""
    steps_per_epoch: int | None = None
    length_key: str = "epochs"
    """The config key that says how long the run is, ``epochs`` or ``max_steps``: what to change to train longer."""
    task: str | None = None
    """``classification``, ``regression``, ``next_token``, or ``labels`` where several can be right."""
    loss: str | None = None
    """The loss as the config names it; None for the one of the task."""
    class_shares: tuple[float, ...] = ()
    """Share of each class in the training part."""
    batch_size: int | None = None
    examples: int | None = None
    """Size of the training part."""
    constant_loss: float | None = None
    """Training loss of the best constant answer: what a network reaches that learns nothing of its inputs."""
    val_constant_loss: float | None = None
    """Validation loss of that same answer."""
    val_examples: int | None = None
    """Size of the validation part."""
    floor_loss: float | None = None
    """Training loss below which no answer gets."""
    floor_of: str | None = None
    """Why: ``labels`` (equal inputs have different targets), or the ``loss`` itself (label smoothing)."""
    target_range: tuple[float, float] | None = None
    """Lowest and highest target of a regression."""
    largest_input: float | None = None
    """Largest absolute value among the inputs."""
    broken_examples: int | None = None
    """Training examples with an input or a target that is not finite."""
    weight_decay: float | None = None
    eps: float | None = None
    """What Adam and its like add to the size of a gradient before they divide by it."""
    clip_value: float | None = None
    clip_algorithm: str | None = None
    """``norm``: of the whole gradient, ``value``: of each entry."""
    parameters: int | None = None
    """Numbers that are trained."""
    untrained: str | None = None
    """Parameters that no optimizer holds though nobody froze them, in words."""
    dropout: float | None = None
    """Largest share of units that a layer drops."""
    batch_norm: bool | None = None
    answers: str | None = None
    """The function that the network's answers come out of, where it bounds them: ``softmax``, ``sigmoid`` …"""
    saturated: float | None = None
    """Share of the saturating units (sigmoid, tanh) that were flat before the first update."""
    data_digest: str | None = None
    """Of the data that it trains on, all parts of it."""
    settings: str | None = None
    """Digest of all settings but rate and seed: equal for runs that tell of each other's rates."""
    trials: Trials | None = None
    """What copies came to that were trained from the run's start with something changed, once it had failed."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunFacts:
        """The facts of a stored run; what is not of its type, and keys of other versions, are left out."""
        known = {f.name: str(f.type) for f in fields(cls)}
        stored = {name: value for name, value in entries(text).items() if name in known}
        return cls(
            **{name: value for name, given in stored.items() if (value := _fact(known[name], given)) is not None}
        )


def _fact(kind: str, given: Any) -> Any:
    """A fact of this type (``float | None``); None where it is of another."""
    if kind.startswith("tuple"):
        numbers = [finite(one, math.nan) for one in given] if isinstance(given, list) else []
        usable = len(numbers) == 2 if "..." not in kind else len(numbers) < MOST_CLASSES
        return tuple(numbers) if usable and all(map(math.isfinite, numbers)) else None
    if kind.startswith("Trials"):
        return Trials.from_plain(given)
    if kind.startswith("Mapping"):
        arguments = given.items() if isinstance(given, dict) else ()
        return {line(name): value for name, value in arguments if _is_plain(value)}
    if kind.startswith("bool"):
        return given if isinstance(given, bool) else None
    if kind.startswith("str"):
        return line(given) if isinstance(given, str) else None
    if isinstance(given, str):
        return None
    return whole(given) if kind.startswith("int") else number(given)


def _is_plain(value: Any) -> bool:
    """A number, a word, nothing, or a list of numbers: what an argument of a schedule can be."""
    if isinstance(value, list):
        return all(isinstance(one, int | float) for one in value)
    return value is None or isinstance(value, int | float | str)
