"""What really became of a run: the rules of docs/diagnosis.md, from the model and the data, not from recorded curves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from corpus_parts.cases import Case
from corpus_parts.training import Run
from lrscope.measures import output_spread
from lrscope.trace import Trace

LOOKS = 16
MARGIN = 1.5


@dataclass(frozen=True)
class Facts:
    """Everything that the rules need of one run, all at fixed weights over the whole training part."""

    first: float
    """L₀."""
    end: float
    """L_end."""
    bounce: float
    constant: float
    """C."""
    spread_first: float
    spread_end: float
    accuracy: float
    largest_share: float
    again: float
    """Level after as many steps again."""
    lower: float
    """Level after 10% more steps at lr/10."""
    same: float
    """Level after 10% more steps at lr."""
    rates: tuple[float, ...]
    finite: bool
    schedule: str
    val_rise: float
    """Validation loss at the end − its minimum; nan without validation."""
    train_fell: bool
    """Training loss at the end below that at the minimum of the validation loss, by more than the bounce."""


@dataclass(frozen=True)
class Truth:
    """The label, how near it was to another one, and the facts it rests on."""

    label: str
    borderline: bool


def observe(case: Case) -> tuple[Trace, Facts]:
    """Trains the case and measures what its label needs; a run that is not finite is not continued."""
    run = Run(case)
    first, spread_first = run.train_loss(), float(output_spread(run.outputs()))
    trace, ends = run.train(LOOKS)
    end, bounce = level(ends)
    rates, outputs = run.rate.used, run.outputs()
    last_rate = next((r for r in reversed(rates) if r > 0), 0.0)
    ten = math.ceil(len(rates) / 10)
    again = lower = same = math.nan
    finite = run.finite and all(math.isfinite(loss) for loss in ends)
    if finite:
        again, _ = level(run.clone().go_on(rates, LOOKS))
        same, _ = level(run.clone().go_on([last_rate] * ten, LOOKS))
        lower = float(np.mean(run.clone().go_on([last_rate / 10] * ten, LOOKS)[-LOOKS // 3 :]))
    accuracy = float((outputs.argmax(1) == run.data.targets).float().mean()) if run.data.classes else math.nan
    rise, fell = _overfitting(trace, bounce)
    return trace, Facts(
        first, end, bounce, run.data.constant_loss, spread_first,
        float(output_spread(outputs)), accuracy, max(run.data.shares, default=math.nan), again, lower, same,
        tuple(rates), finite, run.rate.name, rise, fell,
    )  # fmt: skip


def level(losses: list[float]) -> tuple[float, float]:
    """Where losses that may bounce stand at the end, and how far they bounce.

    A line is laid through them (Theil-Sen: the median of the slopes between pairs); the bounce is 1.48 times the median
    distance from it. A line that rises or falls by more than twice the bounce is read at its end, within what was seen;
    else it is bounce, and the median stands.
    """
    if len(losses) < 3 or not np.isfinite(losses).all():
        return (losses[-1] if losses else math.nan), 0.0
    values, steps = np.array(losses), np.arange(len(losses))
    i, j = np.triu_indices(len(values), 1)
    slope = np.median((values[j] - values[i]) / (steps[j] - steps[i]))
    line = slope * steps + np.median(values - slope * steps)
    bounce = float(1.4826 * np.median(np.abs(values - line)))
    if abs(line[-1] - line[0]) <= 2 * bounce:
        return float(np.median(values)), bounce
    return float(np.clip(line[-1], values.min(), values.max())), bounce


def _overfitting(trace: Trace, bounce: float) -> tuple[float, bool]:
    val, train = trace.get("val/loss").values, trace.get("train/loss_eval").values
    if len(val) < 2 or not np.isfinite(val).all():
        return math.nan, False
    width = max(1, round(len(val) / 10))
    mean = np.convolve(val, np.full(width, 1 / width), "valid")
    train_mean = np.convolve(train, np.full(width, 1 / width), "valid")
    lowest = int(mean.argmin())
    return float(mean[-1] - mean[lowest]), bool(train_mean[-1] < train_mean[lowest] - bounce)


def label(facts: Facts, best: float) -> Truth:
    """The first rule that fits; ``best`` is the lowest L_end of the sweep."""
    reference = max(facts.first, facts.constant)
    if not facts.finite or not math.isfinite(facts.end):
        return Truth("diverged", False)
    growth = facts.end / reference
    runs_away = growth > 2 and not facts.again < 100 * reference and not facts.same < facts.end + facts.bounce
    if growth > 100 or runs_away:
        return Truth("diverged", near(growth, 100) and not runs_away)
    edge = near(growth, 100)
    if _collapsed(facts):
        return Truth("collapsed", edge or near(facts.spread_end, 0.01))
    edge = edge or (near(facts.spread_end, 0.01) and not facts.accuracy > facts.largest_share + 0.015)
    moved = _schedule(facts)
    return Truth(moved, edge) if moved else _by_going_on(facts, best, edge)


def _collapsed(facts: Facts) -> bool:
    lost = facts.spread_end < 0.1 * facts.spread_first or facts.spread_first < 1e-6
    guesses = not facts.accuracy > facts.largest_share + 0.01
    return facts.spread_end < 0.01 and guesses and (lost or not _falls_again(facts))


def _falls_again(facts: Facts) -> bool:
    fall = facts.first - facts.end
    return fall > -0.01 * facts.first and facts.end - facts.again > max(0.05 * abs(fall), facts.bounce)


def _schedule(facts: Facts) -> str | None:
    rates = np.array(facts.rates)
    if facts.schedule == "constant":
        return None
    never_turned = facts.schedule in {"cyclic", "one_cycle"} and bool((np.diff(rates) >= 0).all())
    if never_turned or rates.max() < 1.01 * rates.min():
        return "schedule never moved"
    return "schedule ran out" if (rates < 0.01 * rates.max()).mean() > 0.5 else None


def _by_going_on(facts: Facts, best: float, edge: bool) -> Truth:
    fall = facts.first - facts.end
    bar = 0.05 * abs(fall)
    slower, same, again = facts.end - facts.lower, facts.end - facts.same, facts.end - facts.again
    least = max(bar, 0.005 * facts.first, facts.bounce if fall <= 0 else 0.0)
    near_lower, near_same = near(slower, least, facts.bounce), near(same, bar, facts.bounce)
    if slower > least and not same > max(bar, facts.bounce):
        return Truth("oscillating", edge or near_lower or near_same)
    edge = edge or (near_lower and not same > bar) or (slower > bar and near_same)
    learned = facts.train_fell and fall > 0.05 * facts.first
    if facts.val_rise > bar and learned:
        return Truth("overfitting", edge or near(facts.val_rise, bar))
    edge = edge or (near(facts.val_rise, bar) and learned) or near(again, max(bar, facts.bounce), facts.bounce)
    if _falls_again(facts):
        return Truth("too slow", edge)
    reached = fall / (facts.first - best) if facts.first > best else float(fall > 0)
    return Truth("stalled" if reached < 0.5 else "trained", edge or near(reached, 0.5))


def near(value: float, bound: float, bounce: float = 0.0) -> bool:
    """Whether a value lies within a factor ``MARGIN`` of its bound, or so near that the bounce could have decided."""
    return bound / MARGIN < value < bound * MARGIN or abs(value - bound) < bounce
