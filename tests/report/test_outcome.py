from __future__ import annotations

import math

import numpy as np
import pytest
from made_sweeps import member, series

from lrscope.core.trace import Series
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.member_numbers import outcome_of, smoothed, steps_to, target_loss


def test_final_and_best_validation_loss() -> None:
    outcome = outcome_of(member(0.1, [1.0, 0.4, 0.5]))
    assert (outcome.final_val, outcome.best_val, outcome.start, outcome.steps) == (0.5, 0.4, 2.0, 30)
    assert math.isnan(outcome.final_val_acc)


def test_a_loss_that_ends_as_nan_is_infinite_and_keeps_its_best() -> None:
    outcome = outcome_of(member(1, [1.0, math.nan], verdict=Verdict.DIVERGED, status="FAILED"))
    assert (outcome.final_val, outcome.best_val) == (math.inf, 1.0)


def test_a_member_without_curves_has_no_numbers() -> None:
    outcome = outcome_of(member(1, [], status="FAILED", verdict=None))
    assert math.isnan(outcome.final_val)
    assert math.isnan(outcome.best_train)
    assert outcome.steps == 0


def test_the_loss_of_batches_is_averaged_over_a_twentieth() -> None:
    noisy = Series(np.arange(100), np.tile([1.0, 3.0], 50))
    assert smoothed(noisy).values[-1] == pytest.approx(np.mean([3, 1, 3, 1, 3]))
    short = series([3.0, 2.0, 1.0])
    assert smoothed(short) is short


def test_ninety_percent_of_the_best_improvement() -> None:
    target = target_loss(2.0, best=0.0)
    assert target == pytest.approx(0.2)
    assert steps_to(series([1.0, 0.19, 0.0]), target) == 20
    assert steps_to(series([1.9, 1.8, 1.7]), target) is None
    assert math.isnan(target_loss(2.0, best=2.5)), "nothing improved"
    assert steps_to(series([1.0]), math.nan) is None
