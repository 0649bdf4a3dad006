"""Short trainings from the start of a failed run with something changed: what its advice rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lrscope.core.from_store import line, number, whole

SCHEDULE, DECAY, CLIPPING, INPUTS, FRESH, LONGER, RATE = (
    "schedule", "weight decay", "clipping", "inputs", "initialisation", "length", "rate",
)  # fmt: skip
"""What a trial changes beside the rate, in the order in which they are named as the cause; ``RATE``: nothing else."""

TRIALS = "lrscope.trials"
"""Tag of a run in its record: the trials as JSON, for the program to read."""

STANDARDISED, RESET = "inputs", "init"
"""Keys of ``changes`` that stand for no key of a config: the inputs standardised, the layers in torch's own weights."""


@dataclass(frozen=True)
class Trial:
    """One training from the start of a run: same weights, same order of the data, but for what was changed."""

    what: str
    """The kind of change: ``RATE``, ``DECAY`` …"""
    changes: Mapping[str, Any]
    """The keys of the config that differ, with their values."""
    verdict: str
    """Label of the verdict on its own curves; empty where it went too short a way for one."""
    loss: float
    """Training loss at its end."""
    updates: int
    works: bool
    """It fell, and nothing speaks for a failure."""
    settled: bool = False
    """As many updates again, which were taken too, bring next to nothing more."""
    times: float | None = None
    """So many times its updates it is forecast to take until that is so; None where that is too far to tell."""


@dataclass(frozen=True)
class Trials:
    """All that was tried for one run."""

    first: float
    """Training loss before the first update."""
    planned: int
    """Updates of the run itself."""
    tried: tuple[Trial, ...] = field(default_factory=tuple)

    @classmethod
    def from_plain(cls, stored: Any) -> Trials | None:
        """From what ``dataclasses.asdict`` and JSON made of it; None where it is something else."""
        try:
            first, planned = number(stored["first"]), whole(stored["planned"])
            tried = tuple(map(_trial, stored["tried"]))
        except (TypeError, KeyError, AttributeError):
            return None
        return cls(first, planned, tried) if first is not None and planned is not None else None

    def settled(self) -> bool:
        """Whether something was found that trains and is at its end."""
        return any(trial.settled for trial in self.tried)

    def of(self, *kinds: str) -> tuple[Trial, ...]:
        """Those that change this, in the order in which they were tried."""
        return tuple(trial for trial in self.tried if trial.what in kinds)

    def working(self, *kinds: str) -> tuple[Trial, ...]:
        """Those of them that work."""
        return tuple(trial for trial in self.of(*kinds) if trial.works)


def _trial(stored: Mapping[str, Any]) -> Trial:
    loss, updates, times = number(stored["loss"]), whole(stored["updates"]), stored.get("times")
    if loss is None or updates is None:
        raise TypeError("a measured number is no number")
    what, verdict = line(stored["what"]), line(stored["verdict"])
    works, settled = stored["works"] is True, stored.get("settled") is True
    return Trial(what, settings(stored["changes"]), verdict, loss, updates, works, settled, number(times))


def settings(stored: Any) -> dict[str, Any]:
    """Keys of a config with their values, as a store has them: numbers, words, and nothing else."""
    pairs = stored.items() if isinstance(stored, Mapping) else ()
    return {line(key): line(value) if isinstance(value, str) else value for key, value in pairs if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)
