"""What the evaluations within epochs tell of runs that have few of them."""

from __future__ import annotations

import numpy as np
import pytest
from curves import LN6, classification, run, series

from lrscope.diagnosis import diagnose
from lrscope.diagnosis.level import at_fixed_weights
from lrscope.diagnosis.reading import Reading
from lrscope.trace import RunFacts, Series, Trace
from lrscope.verdict import Verdict

STEPS = 120
"""Four epochs of 30 updates, evaluated behind every fourth."""
AT = np.arange(3, STEPS, 4)
SWING = np.where(np.arange(len(AT)) % 2, 0.3, -0.3)


def short(values: np.ndarray, facts: RunFacts | None = None, more: dict[str, Series] | None = None) -> Trace:
    """A run of four epochs with that loss at fixed weights behind the steps ``AT``."""
    ends = np.array([29, 59, 89, 119])
    inside = ~np.isin(AT, ends)
    within = {"train/loss_within_epoch": series(values[inside], AT[inside]), "train/loss_start": series([LN6])}
    return run(np.interp(ends, AT, values), facts, noise=0.3, more=within | (more or {}))


def without(trace: Trace) -> Trace:
    kept = {name: curve for name, curve in trace.series.items() if name != "train/loss_within_epoch"}
    return Trace(kept, trace.facts)


def bouncing(level: float, depth: float, end: float) -> np.ndarray:
    """Four values at 1.4, then a bounce of that depth around a level; the last five stand around ``end``."""
    swing = depth * np.tile([0.2, -0.9, 0.7, -0.3, 1.0, -1.0, 0.4, -0.6], 4)[: len(AT)]
    return np.where(AT < 16, 1.4, np.where(np.arange(len(AT)) < len(AT) - 5, level, end) + swing)


def test_evaluations_within_and_at_the_ends_of_epochs_are_one_curve() -> None:
    trace = short(np.arange(len(AT), dtype=float))
    curve = at_fixed_weights(trace)
    assert curve.steps.tolist() == sorted({*AT.tolist(), 29, 59, 89, 119})
    assert np.all(np.diff(curve.values) >= 0)
    assert Reading.of(trace).epochs == 4
    assert at_fixed_weights(without(trace)) is without(trace).get("train/loss_eval")


def test_a_bounce_within_epochs_is_seen() -> None:
    trace = short(bouncing(2.5, 0.5, end=2.5))
    assert diagnose(trace).verdict is Verdict.OSCILLATING
    assert diagnose(without(trace)).verdict is not Verdict.OSCILLATING


def test_a_short_run_that_ends_above_its_level_comes_down_at_the_same_rate() -> None:
    good = short(0.2 + (LN6 - 0.2) * np.exp(-AT / 10))
    assert diagnose(short(bouncing(2.5, 0.5, end=2.8)), others=[good]).verdict is Verdict.STALLED


@pytest.mark.parametrize("depth", [0.1, 0.3])
def test_a_short_run_that_bounces_below_its_start_is_not_called_failed(depth: float) -> None:
    assert not diagnose(short(bouncing(0.8, depth, end=0.8))).verdict.failed


@pytest.mark.parametrize(("slope", "verdict"), [(0.4, Verdict.TOO_SLOW), (0.0, Verdict.TRAINED)])
def test_a_bounce_that_dies_with_the_rate_hides_no_lasting_fall_and_is_none(slope: float, verdict: Verdict) -> None:
    share = 0.5 * (1 + np.cos(np.pi * np.arange(STEPS) / STEPS))
    travelled, now = np.cumsum(share)[AT] / share.sum(), share[AT]
    level = 1.4 - slope * travelled if slope else np.where(AT < 12, 1.4, 0.8)
    trace = short(level + 0.5 * SWING * now, classification(scheduler="cosine"), {"lr": series(0.01 * share)})
    assert diagnose(trace).verdict is verdict


def test_weights_that_have_hardly_moved_have_not_stalled() -> None:
    settled = LN6 - 0.004 * (1 - np.exp(-AT / 10))
    good = short(0.2 + (LN6 - 0.2) * np.exp(-AT / 10))
    moved, still = (short(settled, more={"update_ratio": series(np.full(STEPS, r))}) for r in (0.01, 0.0002))
    assert diagnose(moved, others=[good]).verdict is Verdict.STALLED
    assert diagnose(still, others=[good]).verdict is Verdict.TOO_SLOW


def test_a_loss_that_broke_within_an_epoch_has_diverged() -> None:
    broken = np.where(AT < 100, 1.0, np.nan)
    trace = short(broken)
    kept = {name: curve for name, curve in trace.series.items() if name in ("train/loss_within_epoch", "lr")}
    finite = {"train/loss": series(np.ones(100))}
    assert diagnose(Trace(kept | finite, trace.facts)).verdict is Verdict.DIVERGED
