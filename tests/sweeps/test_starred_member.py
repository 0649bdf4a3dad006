"""The model that a sweep packs is that of the member which its report stars."""

from __future__ import annotations

import numpy as np

from lrscope.core.outcome import Outcome
from lrscope.core.trace import Series, Trace
from lrscope.sweeps.starred_member import starred_member


def member(rate: float, seed: int, *losses: float, verdict: str = "trained") -> tuple[Outcome, Trace]:
    steps = np.arange(1, len(losses) + 1) * 10 - 1
    first = Series(np.array([0, int(steps[-1])]), np.array([2.0, losses[-1]]))
    trace = Trace({"train/loss": first, "val/loss": Series(steps, np.array(losses))})
    overrides = {"lr": f"{rate:g}", "seed": str(seed)}
    found = Outcome(f"lr={rate:g}", "x", "FINISHED", verdict, "", rate, "f", overrides=overrides)
    return found, trace


def starred(*members: tuple[Outcome, Trace]) -> int | None:
    outcomes = {number: outcome for number, (outcome, _) in enumerate(members)}
    traces = {number: trace for number, (_, trace) in enumerate(members)}
    return starred_member(outcomes, traces, ("lr", "seed"), "val/loss", "min")


def test_it_is_the_best_seed_of_the_recommended_rate_and_not_the_luckiest_of_all() -> None:
    """0.1 has the lowest loss of all, 0.30, and a mean of 0.65; 0.01 has 0.50 on the average."""
    lucky = member(0.1, 0, 1.0, 0.6, 0.3), member(0.1, 1, 1.5, 1.2, 1.0)
    steady = member(0.01, 0, 1.2, 0.7, 0.52), member(0.01, 1, 1.2, 0.7, 0.48)
    assert starred(*lucky, *steady) == 3


def test_where_nothing_learned_none_is_starred() -> None:
    assert starred(member(0.1, 0, 2.0, 2.0, 2.0, verdict="collapsed")) is None
    assert starred() is None
