"""Which points a search tries."""

from __future__ import annotations

import math

import pytest

from lrscope.search.interval import Interval
from lrscope.search.propose import propose

RATE = Interval.of("lr", 1e-4, 1)
DECAY = Interval.of("optimizer.weight_decay", 0, 0.1)


def test_an_interval_that_spans_decades_is_searched_in_logarithms() -> None:
    assert [word for (word,) in propose([RATE], "grid", 5)] == ["lr=0.0001", "lr=0.001", "lr=0.01", "lr=0.1", "lr=1"]
    narrow = Interval.of("lr", 0.1, 0.5)
    assert [word for (word,) in propose([narrow], "halving", 5)] == ["lr=0.1", "lr=0.2", "lr=0.3", "lr=0.4", "lr=0.5"]
    asked = Interval.of("lr", 0.1, 0.4, log=True)
    assert [word for (word,) in propose([asked], "grid", 3)] == ["lr=0.1", "lr=0.2", "lr=0.4"]
    assert not DECAY.log, "0 has no logarithm"


def test_whole_numbers_are_tried_once_each() -> None:
    width = Interval.of("model.width", 2, 5, whole=True)
    assert sorted(propose([width], "random", 64)) == [(f"model.width={n}",) for n in (2, 3, 4, 5)]


def test_a_grid_of_several_intervals_has_as_many_steps_of_each() -> None:
    points = propose([RATE, DECAY], "grid", 11)
    assert len(points) == 9
    assert {second for _, second in points} == {f"optimizer.weight_decay={v}" for v in (0, 0.05, 0.1)}


@pytest.mark.parametrize("method", ["halving", "random"])
def test_points_in_the_plane_try_a_new_rate_each_and_follow_the_seed(method: str) -> None:
    points = propose([RATE, DECAY], method, 64, seed=3)
    assert len(points) == len(set(points)) == 64
    assert len({first for first, _ in points}) >= 60, "each tries another rate, but for rounding"
    assert points == propose([RATE, DECAY], method, 64, seed=3) != propose([RATE, DECAY], method, 64, seed=4)
    rates = [float(first.partition("=")[2]) for first, _ in points]
    assert all(1e-4 <= rate <= 1 for rate in rates)
    assert 20 <= sum(math.log10(rate) < -2 for rate in rates) <= 44, "half of them lie below the middle"


def test_the_place_of_a_number_leads_back_to_it() -> None:
    for interval in (RATE, DECAY, Interval.of("n", 16, 256, whole=True)):
        assert [interval.word(interval.place(interval.at(p))) for p in (0, 0.3, 1)] == [
            interval.word(p) for p in (0, 0.3, 1)
        ]
