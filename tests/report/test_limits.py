from __future__ import annotations

import math

import numpy as np
import pytest

from lrscope.core.trace import Series
from lrscope.report.figures.limits import Axis, averaged, loss_axis, spanning, thinned


def test_a_run_that_ran_away_does_not_press_the_others_flat() -> None:
    axis = loss_axis("loss", [0.3, 1.5], [3.5e12, 1.8], start=2.0)
    assert 1.8 < axis.high < 3
    assert not axis.holds(3.5e12)
    assert not axis.holds(math.inf)
    assert axis.holds(1.8)


def test_logarithmic_where_the_data_spans_decades() -> None:
    assert spanning("loss", [0.001, 1.0]).log
    assert not spanning("loss", [0.5, 2.0]).log
    assert not spanning("loss", [-1.0, 100.0]).log


@pytest.mark.parametrize("values", [[0.0], [0.5], [0.0, 0.0], [1e-300, 1e300], [0.0, 5.0]])
def test_every_axis_has_a_width(values: list[float]) -> None:
    for log in (None, False):
        axis = spanning("x", values, log)
        assert axis.low < axis.high
        assert all(math.isfinite(end) for end in (axis.low, axis.high))


def test_equal_values_are_not_drawn_as_noise() -> None:
    axis = spanning("loss", [0.19240001, 0.19240003])
    assert axis.high - axis.low >= 0.05 * 0.19
    assert axis.place(0.1924) == pytest.approx(0.5, abs=0.01)
    narrow = spanning("rate", [0.1, 0.1001], log=True)
    assert narrow.high / narrow.low >= 1.2


def test_places_on_an_axis() -> None:
    log = Axis("loss", 0.01, 1.0, log=True)
    assert [log.place(v) for v in (0.01, 0.1, 1.0, 5.0, 0.0, math.inf)] == pytest.approx([0, 0.5, 1, 1, 0, 1])
    assert Axis("share", 0.0, 2.0).place(0.5) == 0.25


def test_an_axis_without_any_value() -> None:
    axis = loss_axis("loss", [], [math.inf], start=math.nan)
    assert axis.low < axis.high


def test_thinning_keeps_ends_and_extremes() -> None:
    values = np.ones(10_000)
    values[5_432], values[7_000] = 9.0, -9.0
    steps, kept = thinned(Series(np.arange(10_000), values), 200)
    assert len(steps) <= 202
    assert (steps[0], steps[-1]) == (0, 9_999)
    assert (kept.max(), kept.min()) == (9.0, -9.0)
    assert set(zip(steps.tolist(), kept.tolist(), strict=True)) <= set(enumerate(values.tolist()))


def test_averages_keep_the_mean_and_both_ends() -> None:
    steps, kept = averaged(Series(np.arange(1_000), np.tile([0.0, 1.0], 500)), 100)
    assert len(steps) == 100
    assert kept == pytest.approx(np.full(100, 0.5))
    assert (steps[0], steps[-1]) == (0, 999)


def test_values_that_are_not_finite_are_not_drawn() -> None:
    series = Series(np.arange(4), np.array([1.0, math.nan, math.inf, 2.0]))
    for thin in (thinned, averaged):
        steps, kept = thin(series, 10)
        assert steps.tolist() == [0, 3]
        assert kept.tolist() == [1.0, 2.0]
