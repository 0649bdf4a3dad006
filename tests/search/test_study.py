"""What Optuna proposes, from what came before."""

from __future__ import annotations

import math

import pytest

from lrscope.search.interval import Interval
from lrscope.search.study import Tried, ask

pytest.importorskip("optuna")

RATE, DECAY = Interval.of("lr", 1e-5, 10), Interval.of("optimizer.weight_decay", 1e-6, 0.1)


def _loss(point: tuple[str, ...]) -> float:
    """Lowest at lr=0.01."""
    return abs(math.log10(float(point[0].partition("=")[2])) + 2)


def test_proposals_come_near_to_what_was_best_and_are_never_tried_twice() -> None:
    tried: list[Tried] = []
    for _ in range(4):
        tried += [Tried(point, _loss(point)) for point in ask([RATE, DECAY], tried, 16, seed=0)]
    points = [one.point for one in tried]
    assert len(set(points)) == 64
    first, last = tried[:16], tried[-16:]
    assert sum(one.loss for one in last) < 0.6 * sum(one.loss for one in first)


def test_the_same_past_leads_to_the_same_proposals() -> None:
    tried = [Tried(point, _loss(point)) for point in ask([RATE], [], 8, seed=1)]
    tried[3] = Tried(tried[3].point, 0.5, stopped=19)
    tried[7] = Tried(tried[7].point, math.inf)
    assert ask([RATE], tried, 8, seed=1) == ask([RATE], list(tried), 8, seed=1)


def test_where_there_are_no_others_fewer_are_proposed() -> None:
    width = Interval.of("model.width", 1, 3, whole=True)
    tried = [Tried((f"model.width={n}",), float(n)) for n in (1, 2)]
    assert ask([width], tried, 8, seed=0) == [("model.width=3",)]
