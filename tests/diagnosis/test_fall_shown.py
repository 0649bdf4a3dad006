"""A file of losses alone: a loss that only jitters has learned nothing, however small the jitter."""

import numpy as np
import pytest

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.signals.fall_shown import fall_shown

STEPS = np.arange(200)


def noisy(level: np.ndarray | float, noise: float, seed: int = 0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, noise, len(STEPS))


@pytest.mark.parametrize("noise", (1e-7, 1e-5, 1e-4, 1e-3))
@pytest.mark.parametrize("level", (0.6931, 2.3026, 40.0))
def test_a_loss_that_only_jitters_has_not_trained(level: float, noise: float) -> None:
    found = diagnose(Trace({"train/loss": Series(STEPS, noisy(level, noise * level))}))
    assert found.verdict is Verdict.STALLED


@pytest.mark.parametrize("quick", (2, 4, 10))
@pytest.mark.parametrize("noise", (0.05, 0.1, 0.2))
def test_a_fall_of_few_steps_among_noisy_batches_is_still_one(quick: int, noise: float) -> None:
    losses = noisy(0.5 + 0.8 * np.exp(-STEPS / quick), noise)
    assert diagnose(Trace({"train/loss": Series(STEPS, losses)})).verdict is Verdict.TRAINED


@pytest.mark.parametrize("losses", (noisy(0.6931, 1e-3), noisy(2.0, 1e-6), 1 + STEPS / 200))
def test_no_rate_is_named_where_none_is_known(losses: np.ndarray) -> None:
    advice = diagnose(Trace({"train/loss": Series(STEPS, losses)})).findings[0].advice
    assert "nan" not in advice


def test_worked_by_hand() -> None:
    line = np.array([1.0, 0.9, 0.5, 0.5, 0.5, 0.5])  # second differences -0.3, 0.4, 0, 0: a noise of 0.09
    assert fall_shown(line)
    assert not fall_shown(np.array([0.5, 0.6, 0.4, 0.6, 0.5, 0.6]))
    assert not fall_shown(np.array([1.0]))
