"""What really became of a run: the rules of benchmarks/README.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from corpus_parts.observation import Losses, Observation

MARGIN = 1.5
"""A label is borderline where what decided it lies within this factor of its bound."""


@dataclass(frozen=True)
class Truth:
    """The label, and whether it could as well have been another."""

    label: str
    borderline: bool


@dataclass(frozen=True)
class Facts:
    """The numbers of the rules: levels of the loss at the end of the run and of its continuations."""

    seen: Observation
    end: float
    """L_end."""
    bounce: float
    again: float
    same: float
    lower: float

    @classmethod
    def of(cls, seen: Observation, order: int = 0) -> Facts:
        end, bounce = level_of_a_run(seen.earlier, seen.last)
        if not seen.finite:
            return cls(seen, end, bounce, math.nan, math.nan, math.nan)
        on = seen.continued[order % len(seen.continued)]
        third = -(-len(on.lower) // 3)
        return cls(seen, end, bounce, level(on.again)[0], level(on.same)[0], float(np.mean(on.lower[-third:])))

    @property
    def first(self) -> float:
        return self.seen.first

    @property
    def fall(self) -> float:
        return self.seen.first - self.end

    @property
    def way(self) -> float:
        """The fall; of a regression that starts far from the mean of its targets what it came below their variance, and
        where it has not come there at most that variance.
        """
        seen = self.seen
        if not (math.isnan(seen.largest_share) and seen.first > 3 * seen.constant):
            return self.fall
        return seen.constant - self.end if self.end < seen.constant else min(self.fall, seen.constant)


def level(losses: Losses) -> tuple[float, float]:
    """Where losses that may bounce stand at their end, and how far they bounce.

    A line is laid through them (Theil-Sen: the median of the slopes between pairs); the bounce is 1.48 times the median
    distance from it. A line that rises or falls by more than twice the bounce is read at its end, within what was seen;
    else it is bounce, and the median stands.
    """
    end, bounce, _ = _line(losses)
    return end, bounce


def level_of_a_run(earlier: Losses, last: Losses) -> tuple[float, float]:
    """The same from the last tenth of a run; where that only bounces, from its last 30% if they only bounce too."""
    end, bounce, moves = _line(last)
    wide_end, wide_bounce, wide_moves = _line(earlier + last)
    return (end, bounce) if moves or wide_moves else (wide_end, wide_bounce)


def _line(losses: Losses) -> tuple[float, float, bool]:
    if len(losses) < 3 or not np.isfinite(losses).all():
        return (losses[-1] if losses else math.nan), 0.0, True
    values, steps = np.array(losses), np.arange(len(losses))
    i, j = np.triu_indices(len(values), 1)
    slope = np.median((values[j] - values[i]) / (steps[j] - steps[i]))
    line = slope * steps + np.median(values - slope * steps)
    bounce = float(1.4826 * np.median(np.abs(values - line)))
    if abs(line[-1] - line[0]) <= 2 * bounce:
        return float(np.median(values)), bounce, False
    return float(np.clip(line[-1], values.min(), values.max())), bounce, True


def label(facts: Facts, best: float) -> Truth:
    """The first rule that fits; ``best`` is the lowest L_end of the sweep."""
    seen, reference = facts.seen, max(facts.first, facts.seen.constant)
    if not seen.finite or not math.isfinite(facts.end):
        return Truth("diverged", False)
    growth = facts.end / reference
    runs_away = growth > 2 and not facts.again < 100 * reference and not facts.same < facts.end + facts.bounce
    if growth > 100 or runs_away:
        return Truth("diverged", near(growth, 100) and not runs_away)
    edge = near(growth, 100)
    if _collapsed(facts):
        return Truth("collapsed", edge or near(seen.spread_end, 0.01))
    edge = edge or (near(seen.spread_end, 0.01) and not seen.accuracy > seen.largest_share + 0.015)
    moved = _schedule(seen)
    return Truth(moved, edge) if moved else _by_going_on(facts, best, edge)


def _collapsed(facts: Facts) -> bool:
    seen = facts.seen
    lost = seen.spread_end < 0.1 * seen.spread_first or seen.spread_first < 1e-6
    guesses = not seen.accuracy > seen.largest_share + 0.01 and facts.end >= 0.98 * seen.constant
    return seen.spread_end < 0.01 and guesses and (lost or not _falls_again(facts))


def _falls_again(facts: Facts) -> bool:
    again = facts.end - facts.again
    return facts.fall > -0.01 * facts.first and again > max(0.05 * abs(facts.way), facts.bounce)


def _schedule(seen: Observation) -> str | None:
    rates = np.array(seen.rates)
    if seen.schedule == "constant":
        return None
    never_turned = seen.schedule in {"cyclic", "one_cycle"} and bool((np.diff(rates) >= 0).all())
    if never_turned or rates.max() < 1.01 * rates.min():
        return "schedule never moved"
    return "schedule ran out" if (rates < 0.01 * rates.max()).mean() > 0.5 else None


def _by_going_on(facts: Facts, best: float, edge: bool) -> Truth:
    fall, bounce = facts.fall, facts.bounce
    bar = 0.05 * abs(fall)
    slower, same, again = facts.end - facts.lower, facts.end - facts.same, facts.end - facts.again
    least = max(bar, 0.005 * facts.first)
    near_lower, near_same = near(slower, least, bounce), near(same, bar, bounce)
    if slower > least and not same > max(bar, bounce):
        return Truth("oscillating", edge or near_lower or near_same)
    edge = edge or (near_lower and not same > bar) or (slower > bar and near_same)
    rise, fell = _overfitting(facts)
    if rise > bar and fell:
        return Truth("overfitting", edge or near(rise, bar))
    edge = edge or (near(rise, bar) and fell) or near(again, max(0.05 * abs(facts.way), bounce), bounce)
    if _falls_again(facts):
        return Truth("too slow", edge)
    reached = fall / (facts.first - best) if facts.first > best else float(fall > 0)
    chance = facts.seen.accuracy > facts.seen.largest_share + 0.01
    nothing = not chance and facts.end >= 0.995 * facts.seen.constant
    return Truth("stalled" if reached < 0.5 or nothing else "trained", edge or near(reached, 0.5))


def _overfitting(facts: Facts) -> tuple[float, bool]:
    """How far the validation loss has risen (nan: unknown), and whether the training loss fell meanwhile and at all."""
    val, train = np.array(facts.seen.validation), np.array(facts.seen.training)
    if len(val) < 2 or not np.isfinite(val).all():
        return math.nan, False
    width = max(1, round(len(val) / 10))
    mean, train_mean = (np.convolve(v, np.full(width, 1 / width), "valid") for v in (val, train))
    lowest = int(mean.argmin())
    fell = train_mean[-1] < train_mean[lowest] - facts.bounce and facts.fall > 0.05 * facts.first
    return float(mean[-1] - mean[lowest]), bool(fell)


def near(value: float, bound: float, bounce: float = 0.0) -> bool:
    """Whether a value lies within a factor ``MARGIN`` of its bound, or so near that the bounce could have decided."""
    return bound / MARGIN < value < bound * MARGIN or abs(value - bound) < bounce
