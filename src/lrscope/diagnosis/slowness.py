"""A loss that was still falling when the run ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrscope.diagnosis.reading import STILL_FALLING, Reading
from lrscope.verdict import Certainty, Evidence, Finding, Verdict


@dataclass(frozen=True)
class TooSlow:
    """As many steps again would take the training loss down by more than a small share of what it has come down so far.

    unsure: factor around the bound (``reading.STILL_FALLING``) within which the finding is weak.
    """

    unsure: float = 1.5

    def find(self, reading: Reading) -> Finding | None:
        if not reading.falls_again:
            return None
        forecast = reading.forecast
        share = forecast.again / abs(reading.fall) if reading.fall else math.inf
        certainty: Certainty = "weak" if share < STILL_FALLING * self.unsure or not forecast.sure else "strong"
        evidence = (Evidence("fall in as many steps again / fall so far", share, STILL_FALLING),)
        return Finding(Verdict.TOO_SLOW, _why(reading, share), _advice(reading), evidence, certainty)


def _why(reading: Reading, share: float) -> str:
    steps = reading.steps
    if share > 0.9:
        pace = "as fast as at the start" if share < 1.5 else "ever faster"
        return (
            f"train loss came down from {reading.first:.4g} to {reading.end:.4g} in {steps:,} steps and still "
            f"falls {pace}: "
            f"as many steps again would bring about {reading.forecast.again:.2g} more"
        )
    return (
        f"train loss fell from {reading.first:.4g} to {reading.end:.4g} and still falls: {steps:,} more steps "
        "would take it "
        f"down by about {reading.forecast.again:.2g}, {share:.0%} of the fall so far"
    )


def _advice(reading: Reading) -> str:
    times, steps, facts = reading.forecast.times, reading.steps, reading.facts
    if reading.hardly_moved or times is None or times > 64:
        return (
            f"raise lr at least 30×{_to(facts.peak_lr, 30)}: at this rate it would take more than {64 * steps:,} steps"
        )
    more = round((times - 1) * steps) if times > 1 else steps
    epochs = f" ({math.ceil(more / facts.steps_per_epoch):,} epochs)" if facts.steps_per_epoch else ""
    factor = max(2.0, times)
    return f"raise lr about {factor:.2g}×{_to(facts.peak_lr, factor)}, or train about {more:,} more steps{epochs}"


def _to(peak: float | None, factor: float) -> str:
    return f", to {peak * factor:.2g}" if peak else ""
