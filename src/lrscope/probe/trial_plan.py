"""What is tried for a failed run: other rates, and what else than the rate could be the cause."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lrscope.core.run_facts import RunFacts
from lrscope.core.trials import CLIPPING, DECAY, FRESH, INPUTS, LONGER, RATE, RESET, SCHEDULE, STANDARDISED
from lrscope.core.verdict import Verdict
from lrscope.diagnosis.data_causes import SCALE_FREE
from lrscope.diagnosis.detectors.schedule import is_scheduled
from lrscope.probe.trial_start import Change

STEP = math.sqrt(10)
SAME = 1.2
"""Rates within this factor of one that is known are not tried again."""
OTHER_RATES = (1.0, 0.1, 0.01, 10.0, 0.001)
"""Rates, in those of the run, that what else is changed is tried at where no rate works by itself."""
USUAL_RATES = {"adaptive": (0.01, 0.001), "other": (0.1, 0.01)}
"""Rates that people train with; a run whose weights were at fault may itself be decades away from any that works."""
CLIPPED_AT = 1.0
LONGER_BY = (3, 10)
"""So many times as long a slow run is trained where no rate is enough."""


def other_rates(rate: float, verdict: Verdict, known: Iterable[float] = (), below: float = math.inf) -> list[float]:
    """Rates over decades around that of a run, the nearest whole decades first.

    Args:
        known: rates that are not tried again: the run's, and those that a sweep has shown.
        below: the lowest higher rate that is known to fail.
    """
    down, up = verdict.meaning.tried_around
    steps = sorted([*range(-down, 0), *range(1, up + 1)], key=lambda k: (k % 2, abs(k)))
    rates = [_nice(rate * STEP**k) for k in steps]
    taken = [rate, *known]
    return [r for r in rates if r < below and all(max(r / k, k / r) > SAME for k in taken)]


def longer(key: str, rates: Iterable[float], length: tuple[str, int], times: int) -> tuple[Change, ...]:
    """So many times as long, at each of these rates.

    Args:
        length: the key that says how long the run is, and its value.
    """
    return tuple(Change(LONGER, {key: rate, length[0]: length[1] * times}) for rate in rates)


def other_causes(facts: RunFacts, rate: float) -> tuple[Change, ...]:
    """What else can be changed, each by itself, in the order in which it is named as the cause; at this rate, which is
    told as well: of a sweep, a single member's start speaks for all.
    """
    found = []
    if is_scheduled(facts):
        found.append(Change(SCHEDULE, {"scheduler": "constant"}))
    if facts.weight_decay:
        found.append(Change(DECAY, {"optimizer.weight_decay": 0.0}))
    if facts.clip_value or (facts.optimizer or "").lower() not in SCALE_FREE:
        found.append(Change(CLIPPING, {"trainer.gradient_clip_val": None if facts.clip_value else CLIPPED_AT}))
    found.append(Change(FRESH, {RESET: "default"}))
    return tuple(Change(change.what, {**change.settings, facts.rate_key: rate}) for change in found)


def at_rates(changes: Sequence[Change], facts: RunFacts, rates: Sequence[float]) -> tuple[Change, ...]:
    """Each of the changes at each of these rates."""
    return tuple(Change(change.what, {**change.settings, facts.rate_key: r}) for r in rates for change in changes)


def rates_for_causes(facts: RunFacts, rate: float) -> list[float]:
    """At which something else is changed where no rate works by itself: around the run's, and those that are usual."""
    usual = USUAL_RATES["adaptive" if (facts.optimizer or "").lower() in SCALE_FREE else "other"]
    around = [_nice(rate * factor) for factor in OTHER_RATES]
    return around + [r for r in usual if all(max(r / k, k / r) > SAME for k in around)]


def rate_changes(key: str, rates: Iterable[float]) -> tuple[Change, ...]:
    """A trial at each of these rates."""
    return tuple(Change(RATE, {key: rate}) for rate in rates)


def inputs_changes(facts: RunFacts, rate: float) -> tuple[Change, ...]:
    """The inputs standardised, at several rates."""
    return at_rates((Change(INPUTS, {STANDARDISED: "standardised"}),), facts, rates_for_causes(facts, rate))


def _nice(rate: float) -> float:
    """Two digits: what a person types."""
    return float(f"{rate:.2g}")
