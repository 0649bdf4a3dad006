from __future__ import annotations

import math

from lrscope.tracking import Point
from lrscope.tracking.journal.history import History


def _points(*steps: int, key: str = "loss", value: float | None = None) -> list[Point]:
    return [Point(key, step, step / 3 if value is None else value, 1) for step in steps]


def test_a_fresh_run_keeps_everything() -> None:
    history = History()
    assert history.last_step("loss") is None
    assert history.admit(_points(0, 1, 1)) == _points(0, 1, 1)
    assert history.last_step("loss") == 1


def test_a_replay_is_dropped_per_key_and_the_rest_kept() -> None:
    history = History()
    history.remember(_points(0, 1, 2) + _points(0, key="lr"))
    assert history.last_step("loss") == 2
    admitted = history.admit(_points(1, 2, 3) + _points(0, 1, key="lr") + _points(0, key="new"))
    assert admitted == _points(3) + _points(1, key="lr") + _points(0, key="new")
    assert not history.differed
    assert history.last_step("loss") == 3


def test_a_replay_with_another_value_is_noticed_and_the_first_value_stays() -> None:
    history = History()
    history.remember(_points(0, 1, 2))
    assert history.admit(_points(2, value=9.0)) == []
    assert history.differed


def test_nan_replayed_as_nan_is_the_same() -> None:
    history = History()
    history.remember(_points(0, value=math.nan))
    assert history.admit(_points(0, value=math.nan)) == []
    assert not history.differed


def test_steps_without_values_are_dropped_without_a_comparison() -> None:
    history = History()
    history.remember_steps({"loss": 5})
    assert history.admit(_points(4, 5, 6, value=1.0)) == _points(6, value=1.0)
    assert not history.differed
