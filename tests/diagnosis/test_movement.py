"""Runs whose weights have gone nowhere, by what is known of their updates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from curves import series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.signals.movement import Movement

STEPS = 400


def noisy(level: float, noise: float, first: float | None = None) -> np.ndarray:
    """Losses of batches around a level; the start may have been a lucky batch."""
    losses = level + noise * np.random.default_rng(3).standard_normal(STEPS)
    losses[0] = level if first is None else first
    return losses


def found(
    losses: Sequence[float] | np.ndarray, lr: float, norm: float | None = None, ratio: float | None = None,
    facts: RunFacts | None = None,
) -> Verdict:  # fmt: skip
    return diagnose(trace(losses, lr, norm, ratio, facts)).verdict


def trace(
    losses: Sequence[float] | np.ndarray, lr: float, norm: float | None = None, ratio: float | None = None,
    facts: RunFacts | None = None,
) -> Trace:  # fmt: skip
    """What a file has, or ``lrscope.watch`` where the updates' ratio is given."""
    curves = {"train/loss": series(losses), "lr": series([lr] * len(losses))}
    if norm is not None:
        curves["grad_norm"] = series([norm] * len(losses))
    if ratio is not None:
        curves["update_ratio"] = series([ratio] * len(losses))
    return Trace(curves, facts or RunFacts())


@pytest.mark.parametrize("norm", [None, 0.5, 9.0])
def test_a_tiny_rate_in_a_file_is_too_slow_and_not_stalled(norm: float | None) -> None:
    assert found(noisy(0.70, 0.02, first=0.68), 2e-6, norm) is Verdict.TOO_SLOW


def test_large_gradients_at_a_tiny_rate_changed_less_than_the_batches_differ_by() -> None:
    """Σ lr is 0.006 and lr·‖g‖ 2.3 in all, but that much brings a loss of 26,700 down by 4% at most."""
    assert found(noisy(29_000, 6_000, first=26_700), 1.4e-5, 400.0) is Verdict.TOO_SLOW


def test_a_loss_that_stays_at_its_start_at_a_usual_rate_has_stalled() -> None:
    assert found(np.full(STEPS, 0.7) + 1e-4 * np.sin(np.arange(STEPS)) - np.eye(1, STEPS)[0] * 1e-4, 0.1, 0.5) is (
        Verdict.STALLED
    )


def test_a_loss_that_does_not_change_at_all_has_stalled() -> None:
    """Its batches do not differ, so its start is no guess."""
    assert found(np.full(STEPS, 0.6931), 0.1) is Verdict.STALLED
    assert found(np.full(STEPS, 0.6931), 0.1, 0.5, 1e-3) is Verdict.STALLED


def test_a_rise_that_the_updates_cannot_have_made_is_the_batches() -> None:
    sgd = RunFacts(optimizer="SGD", momentum=0.9, parameters=2_200)
    risen = noisy(2.075, 0.05, first=1.80)
    assert found(risen, 3e-6, 0.6, 2e-6, facts=sgd) is Verdict.TOO_SLOW
    assert found(risen, 3e-2, 0.6, 2e-2, facts=sgd) is Verdict.STALLED


def test_what_drowns_in_the_noise_of_the_batches_is_said_to_be_unknown() -> None:
    """A start that is a guess from noisy batches says nothing yet of a short run at a usual rate."""
    short = noisy(0.667, 0.08, first=0.664)[:36]
    said = diagnose(trace(short, 0.02, 0.9, 0.008))
    assert said.verdict is Verdict.TOO_SLOW
    assert said.primary.certainty == "weak"
    assert "nothing shows whether it came down" in said.primary.why


def test_the_bounds_worked_out_by_hand() -> None:
    rates = np.full(10, 0.01)
    seen = trace(np.ones(10), 0.01, 3.0, facts=RunFacts(optimizer="SGD", momentum=0.5, parameters=100))
    assert Movement.of(seen, rates).reach == pytest.approx(0.3)
    assert Movement.of(seen, rates).change == pytest.approx(10 * 0.01 * 3 * 3 / 0.5)
    adam = trace(np.ones(10), 0.01, 3.0, facts=RunFacts(optimizer="Adam", parameters=100))
    assert Movement.of(adam, rates).change == pytest.approx(10 * 0.01 * 3 * 10)
