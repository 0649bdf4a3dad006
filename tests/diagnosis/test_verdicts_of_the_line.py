"""The first study: where each rate ends up is known from the algebra."""

from __future__ import annotations

import pytest
from curves import line

from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep


@pytest.mark.parametrize(
    ("lr", "verdict"),
    [
        (1e-6, Verdict.TOO_SLOW),
        (1e-5, Verdict.TOO_SLOW),
        (0.01, Verdict.TRAINED),
        (0.1, Verdict.TRAINED),
        (0.119, Verdict.TRAINED),
        (0.1205, Verdict.DIVERGED),
        (1.0, Verdict.DIVERGED),
    ],
)
def test_after_a_thousand_epochs(lr: float, verdict: Verdict) -> None:
    assert diagnose(line(lr)).verdict is verdict


def test_a_sweep_across_the_limit_flips_between_0_119_and_0_1205() -> None:
    rates = (0.11, 0.115, 0.119, 0.1205, 0.125)
    verdicts = [d.verdict for d in diagnose_sweep([line(lr) for lr in rates])]
    assert verdicts == [Verdict.TRAINED] * 3 + [Verdict.DIVERGED] * 2


def test_slow_growth_just_above_the_limit_is_divergence_too() -> None:
    # |1 − 0.1205 · 16.7006| = 1.0124 a step: 1.0124² in the loss, 11× L₀ after 100 steps, and steadily so
    found = diagnose(line(0.1205, epochs=100)).primary
    assert found.verdict is Verdict.DIVERGED
    assert "67.5" in found.why


def test_the_forecast_says_how_far_as_many_steps_again_go() -> None:
    # the loss comes down from 67.5 as exp(−2 · 16.7 · lr · t): 28% in 1,000 steps, 20% of L₀ in the next
    found = diagnose(line(1e-5)).primary
    share = next(e.value for e in found.evidence if e.name.startswith("fall in as many"))
    expected = (line(1e-5).get("train/loss_eval").values[-1] - line(1e-5, 2000).get("train/loss_eval").values[-1]) / (
        67.5 - line(1e-5).get("train/loss_eval").values[-1]
    )
    assert share == pytest.approx(expected, rel=0.15)


def test_a_diverged_run_is_told_how_far_to_lower_the_rate() -> None:
    # the stable limit is 0.11976: a tenth of 1 is below it
    found = diagnose(line(1.0)).primary
    assert "lower lr at least 10×, to 0.1 or less" in found.advice or "20×" in found.advice


def test_full_batch_descent_that_bounces_at_a_fixed_size_oscillates() -> None:
    # at the limit itself the steep direction neither shrinks nor grows
    found = diagnose(line(2 / 16.700609497572875)).primary
    assert found.verdict is Verdict.OSCILLATING
    assert "cosine -1.00" in found.why
