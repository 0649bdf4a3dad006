"""The history of a run as arrays: what diagnosis reads, wherever the run was trained or stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_KEYS = ("lr", "optimizer.lr", "scheduler.max_lr")
"""Keys of a config that can set the peak rate: the run's, the optimizer's, and that of torch's schedules with a top."""


@dataclass(frozen=True)
class Series:
    """One metric over time: ``steps`` int64 [n], ascending; ``values`` float64 [n]. Step 0 is the first update."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)


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


@dataclass(frozen=True)
class Trace:
    """Every curve of one run by metric name (``train/loss``, ``lr``, ``grad_norm`` …), and its facts."""

    series: Mapping[str, Series]
    facts: RunFacts = field(default_factory=RunFacts)

    def save(self, path: Path) -> None:
        """Write every curve to one compressed file (numpy's ``.npz``) and the facts into it."""
        arrays: dict[str, Any] = {"facts": np.array(self.facts.to_json())}
        for name, series in self.series.items():
            arrays[f"steps:{name}"], arrays[f"values:{name}"] = series.steps, series.values
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what ``save`` wrote; nothing is unpickled."""
        with np.load(path, allow_pickle=False) as stored:
            names = [key.removeprefix("steps:") for key in stored.files if key.startswith("steps:")]
            series = {name: Series(stored[f"steps:{name}"], stored[f"values:{name}"]) for name in names}
            return cls(series, RunFacts.from_json(str(stored["facts"])))

    def get(self, name: str) -> Series:
        """The curve of that name; an empty one where it was not recorded."""
        return self.series.get(name, EMPTY)


EMPTY = Series(np.empty(0, np.int64), np.empty(0, np.float64))
