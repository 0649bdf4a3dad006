"""What a find measured and what follows from it: the rate for the planned number of updates, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lrscope.core.from_store import line, number, whole

FOUND = "lrscope.find"
"""Tag of the run of a find: its ``FoundRate`` as JSON, for the program to read."""

FOUND_BY = "lrscope.found_by"
"""Tag of a training at a rate that was found: MLflow's id of the find's run."""


@dataclass(frozen=True)
class Horizon:
    """The losses of all copies after so many updates, in the order of the rates; of one that diverged it is inf."""

    updates: int
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """What copies of one start came to.

    rates: ascending. start: the loss before training. constant: that of the best constant answer; nan where unknown.
    spent: updates of each copy, as a share of those of the planned run. metric: what the losses are.
    """

    rates: tuple[float, ...]
    horizons: tuple[Horizon, ...]
    start: float
    planned: int
    spent: float
    metric: str = "val/loss"
    constant: float = float("nan")


@dataclass(frozen=True)
class RateAt:
    """The best rate of a run of so many updates, and where it lies with a probability of 80%."""

    updates: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class FoundRate:
    """The finding.

    best: for the planned number of updates; None where it cannot be told, and ``why_not`` says why.
    optima: as they were measured, at each horizon. longer: by the same law for 2 and 8 times the updates.
    slope: of the law, by which the best rate falls with the updates: rate ~ updates^slope.
    fails_from: the lowest rate from which on no copy gained anything, if it did not diverge; None where all gained.
    sure: the probability that the best rate lies within a factor of 2.
    """

    planned: int
    best: RateAt | None
    why_not: str = ""
    optima: tuple[RateAt, ...] = ()
    longer: tuple[RateAt, ...] = ()
    slope: float = float("nan")
    fails_from: float | None = None
    sure: float = 0.0
    spent: float = 0.0
    cautions: tuple[str, ...] = field(default_factory=tuple)

    @property
    def lr(self) -> float | None:
        """The rate to use: that of ``best`` in two digits, as it is told."""
        return float(f"{self.best.rate:.2g}") if self.best is not None else None

    @classmethod
    def from_plain(cls, stored: Any) -> FoundRate | None:
        """From what ``dataclasses.asdict`` and JSON made of it; None where it is something else."""
        if not isinstance(stored, Mapping) or (planned := whole(stored.get("planned"))) is None:
            return None
        return cls(
            planned=planned,
            best=_rate_at(stored.get("best")),
            why_not=line(stored.get("why_not", "")),
            optima=_rates_at(stored.get("optima")),
            longer=_rates_at(stored.get("longer")),
            slope=_number(stored.get("slope")),
            fails_from=number(stored.get("fails_from")),
            sure=_number(stored.get("sure")),
            spent=_number(stored.get("spent")),
            cautions=tuple(line(words) for words in stored.get("cautions") or ()),
        )


def _number(stored: object) -> float:
    found = number(stored)
    return float("nan") if found is None else found


def _rates_at(stored: Any) -> tuple[RateAt, ...]:
    listed = stored if isinstance(stored, list) else []
    return tuple(found for one in listed if (found := _rate_at(one)) is not None)


def _rate_at(stored: Any) -> RateAt | None:
    if not isinstance(stored, Mapping) or (updates := whole(stored.get("updates"))) is None:
        return None
    rate, low, high = (number(stored.get(name)) for name in ("rate", "low", "high"))
    return RateAt(updates, rate, low, high) if rate is not None and low is not None and high is not None else None
