from __future__ import annotations

import math

import pytest

from lrscope.report.analysis.estimates import mean_interval, share_of, surely_higher, t_quantile


def test_t_interval_of_three_seeds() -> None:
    estimate = mean_interval([1.0, 2.0, 3.0])
    assert estimate.mean == 2
    assert estimate.error == pytest.approx(1 / math.sqrt(3))
    assert (estimate.low, estimate.high) == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)))


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.7062), (4, 2.7764), (29, 2.0452), (10**6, 1.95997)])
def test_t_quantiles_of_the_printed_tables(degrees: int, quantile: float) -> None:
    assert t_quantile(degrees) == pytest.approx(quantile, abs=1e-4)


def test_one_seed_has_no_width() -> None:
    estimate = mean_interval([0.7])
    assert (estimate.mean, estimate.low, estimate.high, estimate.error, estimate.n) == (0.7, 0.7, 0.7, 0.0, 1)


def test_wilson_intervals() -> None:
    some = share_of(2, 5)
    assert (some.low, some.high) == pytest.approx((0.1176, 0.7693), abs=1e-4)
    assert str(some) == "2 of 5"
    none = share_of(0, 5)
    assert (none.low, none.high) == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)


def test_a_share_is_surely_higher_where_the_interval_of_the_difference_lies_above_0() -> None:
    assert surely_higher(share_of(16, 20), share_of(4, 20))
    assert not surely_higher(share_of(4, 20), share_of(16, 20))
    assert not surely_higher(share_of(6, 20), share_of(4, 20))
    assert not surely_higher(share_of(1, 3), share_of(0, 3))
    assert surely_higher(share_of(5, 5), share_of(1, 5))
    assert not surely_higher(share_of(1, 1), share_of(0, 0))
