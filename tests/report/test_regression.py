"""Is a candidate worse than a baseline: the interval by hand, what else makes it worse, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from made_sweeps import member, sweep

from lrscope.core.errors import InputError
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.estimates import difference_interval, mean_interval
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.regression import Side, judge


def side(losses: Sequence[float], failed: int = 0, first_seed: int = 0, crashed: bool = False) -> Side:
    """Runs of one setting that end at these losses, and some more that failed."""
    members = [member(0.1, [1.5, loss], seed=first_seed + seed) for seed, loss in enumerate(losses)]
    for seed in range(failed):
        one = member(0.1, [1.5, 1.9], seed=first_seed + len(losses) + seed, verdict=Verdict.COLLAPSED)
        members.append(replace(one, status="FAILED", verdict=None, why="no memory") if crashed else one)
    comparison = compare([sweep(members, axes=("seed",))])
    return Side("lr=0.1", comparison.rows, comparison.judge, comparison.start)


def test_the_interval_of_two_samples_is_the_one_of_the_textbook() -> None:
    found = difference_interval([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, -0.2669, 4.2669), abs=1e-4)
    one = difference_interval([5.0], [1.0, 2.0, 3.0])  # 3 ± 4.303 · 1 · sqrt(1 + 1/3)
    assert (one.mean, one.low) == pytest.approx((3.0, 3 - 4.302653 * (4 / 3) ** 0.5))
    alone = difference_interval([2.0], [1.0])
    assert (alone.mean, alone.low, alone.high) == (1.0, 1.0, 1.0)


BEFORE = (0.30, 0.32, 0.28, 0.31, 0.29)


def test_the_same_numbers_are_no_worse() -> None:
    found = judge(side(BEFORE), side(BEFORE))
    assert not found.worse and found.difference is not None and found.difference.mean == 0


def test_worse_by_more_than_the_noise_of_seeds_is_worse_and_within_it_is_not() -> None:
    assert judge(side(BEFORE), side([0.38, 0.41, 0.40], first_seed=9)).worse
    assert not judge(side(BEFORE), side([0.31, 0.33, 0.29], first_seed=9)).worse
    assert judge(side(BEFORE), side([0.48], first_seed=9)).worse, "one seed, far beyond the spread of the baseline's"
    assert not judge(side(BEFORE), side([0.2, 0.21, 0.22])).worse, "better"


def test_a_small_shift_of_every_seed_is_seen_where_the_seeds_are_the_same() -> None:
    spread = (0.2, 0.3, 0.4, 0.5, 0.6)
    shifts = (0.039, 0.040, 0.041, 0.040, 0.040)
    moved = [loss + shift for loss, shift in zip(spread, shifts, strict=True)]
    found = judge(side(spread), side(moved))
    by_hand = mean_interval(shifts, 0.99)  # a score is the mean of the lowest and the last loss: both the last here
    assert found.worse and found.difference is not None
    assert (found.difference.low, found.difference.high) == pytest.approx((by_hand.low, by_hand.high))
    assert not judge(side(spread), side(moved, first_seed=50)).worse


def test_a_shift_below_what_counts_as_equal_is_allowed_however_sure_it_is() -> None:
    assert not judge(side(BEFORE), side([loss + 0.002 for loss in BEFORE])).worse
    assert judge(side(BEFORE), side([loss + 0.004 for loss in BEFORE])).worse, "1% of 0.3 is 0.003"
    assert not judge(side(BEFORE), side([loss + 0.004 for loss in BEFORE]), tolerance=0.05).worse


def test_seeds_that_fail_make_it_worse_once_that_is_sure() -> None:
    assert judge(side(BEFORE), side([], failed=3)).worse
    assert judge(side(BEFORE), side([0.3], failed=5)).worse
    one = judge(side(BEFORE), side(BEFORE[:4], failed=1))
    assert not one.worse and "1 of 5 failed (1 collapsed)" in one.why
    crash = judge(side(BEFORE), side(BEFORE[:4], failed=1, crashed=True))
    assert crash.worse and crash.why == "1 of 5 crashed: no memory"


def test_a_baseline_of_few_seeds_needs_a_tolerance() -> None:
    with pytest.raises(InputError, match=r"has 2 seeds that trained, too few .* --tolerance"):
        judge(side(BEFORE[:2]), side(BEFORE))
    twice = [replace(row, member=replace(row.member, seed=0)) for row in side(BEFORE).rows]
    with pytest.raises(InputError, match="has 1 seed that trained"):
        judge(replace(side(BEFORE), rows=tuple(twice)), side(BEFORE))
    assert judge(side([0.3]), side([0.34]), tolerance=0.1).worse
    assert not judge(side([0.3]), side([0.32]), tolerance=0.1).worse


def test_a_baseline_that_did_not_train_and_another_loss_are_refused() -> None:
    with pytest.raises(InputError, match=r"nothing in it has trained \(3 collapsed\)"):
        judge(side([], failed=3), side(BEFORE))
    other = replace(side(BEFORE), judge=JudgedBy("train/loss"))
    with pytest.raises(InputError, match="is judged by train/loss, the baseline by val/loss"):
        judge(side(BEFORE), other)

    def on(data: str) -> Side:
        rows = side(BEFORE).rows
        params = {"dataset.name": data}
        return replace(
            side(BEFORE), rows=tuple(replace(row, member=replace(row.member, params=params)) for row in rows)
        )

    with pytest.raises(InputError, match="was trained on moons, the baseline on digits"):
        judge(on("digits"), on("moons"))
    assert not judge(side(BEFORE), on("moons")).worse, "of the baseline it is not known"


def test_of_a_score_that_is_to_rise_the_lower_is_worse() -> None:
    def scored(scores: Sequence[float]) -> Side:
        judged = {"sweep.objective": "val/f1", "sweep.direction": "max"}
        members = [
            member(0.1, [0.5, score], seed=seed, metric="val/f1", params=judged) for seed, score in enumerate(scores)
        ]
        comparison = compare([sweep(members, axes=("seed",))])
        return Side("lr=0.1", comparison.rows, comparison.judge, comparison.start)

    found = judge(scored([0.9, 0.91, 0.92]), scored([0.7, 0.71, 0.72]))
    assert found.worse and "val/f1 0.71, of the baseline 0.91" in found.why
    assert not judge(scored([0.7, 0.71, 0.72]), scored([0.9, 0.91, 0.92])).worse
    with pytest.raises(InputError, match="is judged by val/f1, the baseline by val/loss"):
        judge(side(BEFORE), scored([0.7, 0.71, 0.72]))
