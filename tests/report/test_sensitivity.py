from __future__ import annotations

import math

import pytest
from made_sweeps import START, member, sweep

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.sensitivity import lr_sensitivity
from lrscope.report.data.stored_sweep import Member


def of(members: list[Member], axes: tuple[str, ...] = ("lr",)) -> float | None:
    comparison = compare((sweep(members, axes),))
    return lr_sensitivity(comparison, comparison.groups[0])


def test_mean_over_the_logarithm_of_the_rate() -> None:
    # Losses 1, 0, 1 at 0.001, 0.01, 0.1: the trapezoids give 0.5.
    assert of([member(r, [v]) for r, v in ((0.001, 1.0), (0.01, 0.0), (0.1, 1.0))]) == pytest.approx(0.5)


def test_zero_where_every_rate_does_as_well() -> None:
    assert of([member(r, [0.3]) for r in (0.001, 0.01, 0.1)]) == 0


def test_a_diverged_run_counts_with_the_loss_at_the_start() -> None:
    lost = member(0.1, [3.5e12], verdict=Verdict.DIVERGED, status="FAILED")
    nan = member(0.1, [math.nan], verdict=Verdict.DIVERGED, status="FAILED")
    good = [member(0.001, [0.0]), member(0.01, [0.0])]
    assert of([*good, lost]) == of([*good, nan]) == pytest.approx(START / 4)


def test_a_dense_part_of_the_grid_weighs_no_more() -> None:
    ends = [member(0.001, [1.0]), member(0.1, [0.0])]
    coarse = of([*ends, member(0.01, [0.5])])
    assert of([*ends, member(0.01, [0.5]), member(0.03162, [0.25]), member(0.05, [0.1505])]) == pytest.approx(
        coarse, abs=1e-3
    )


def test_too_little_to_say() -> None:
    assert of([member(0.01, [0.1]), member(0.1, [0.2])]) is None
    assert of([member(r, [0.1]) for r in (0.01, 0.02, 0.03)]) is None
    assert of([member(0.01, [0.1], settings={"model": m}) for m in "abc"], ("model",)) is None
