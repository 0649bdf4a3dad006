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
class WarmUp:
    """What the first updates of the copies show.

    rate: of the copy nearest to the rate that was found. updates: of a warm-up, 0 where none is needed. rise: how far
    the loss of that copy rose, as a share of the loss at the start. back: updates until it was lower again. steady: the
    highest rate up to which the loss of no copy rose; 0 where all did. limit: the rate up to which the optimizer is
    stable where the loss curves as at the start; None where that is not known.
    """

    rate: float
    updates: int
    rise: float
    back: int
    steady: float
    limit: float | None = None


@dataclass(frozen=True)
class NoiseScale:
    """The gradient noise scale in ``examples``, after so many ``updates`` at the rate that was found.

    at_least: the gradient drowned in the noise of all batches together, and ``examples`` is what those could tell.
    """

    examples: float
    updates: int
    batch_size: int
    at_least: bool = False


@dataclass(frozen=True)
class FoundRate:
    """The finding.

    best: for the planned number of updates; None where it cannot be told, and ``why_not`` says why.
    optima: as they were measured, at each horizon. longer: by the same law for 2 and 8 times the updates.
    slope: of the law, by which the best rate falls with the updates: rate ~ updates^slope.
    fails_from: the lowest rate from which on no copy gained anything, if it did not diverge; None where all gained.
    sure: the probability that the best rate lies within a factor of 2.
    warm_up, noise: None where they were not measured.
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
    warm_up: WarmUp | None = None
    noise: NoiseScale | None = None

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
            warm_up=_warm_up(stored.get("warm_up")),
            noise=_noise(stored.get("noise")),
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


def _warm_up(stored: Any) -> WarmUp | None:
    if not isinstance(stored, Mapping):
        return None
    rate, rise, steady = (number(stored.get(name)) for name in ("rate", "rise", "steady"))
    updates, back = (whole(stored.get(name)) for name in ("updates", "back"))
    if rate is None or rise is None or steady is None or updates is None or back is None:
        return None
    return WarmUp(rate, updates, rise, back, steady, number(stored.get("limit")))


def _noise(stored: Any) -> NoiseScale | None:
    if not isinstance(stored, Mapping):
        return None
    examples = number(stored.get("examples"))
    updates, batch_size = (whole(stored.get(name)) for name in ("updates", "batch_size"))
    if examples is None or updates is None or batch_size is None:
        return None
    return NoiseScale(examples, updates, batch_size, stored.get("at_least") is True)
