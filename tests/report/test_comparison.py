from __future__ import annotations

import math

import pytest
from made_sweeps import member, sweep

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare, sweep_names


def test_seeds_become_cells_and_failed_runs_stay_out_of_the_mean() -> None:
    members = [member(0.01, [v], seed=s) for s, v in enumerate((0.2, 0.4))]
    members.append(member(0.01, [1.8], seed=2, verdict=Verdict.COLLAPSED))
    (group,) = compare((sweep(members, ("lr", "seed")),)).groups
    (cell,) = group.cells
    assert cell.best is not None
    assert (cell.best.mean, cell.best.n) == (pytest.approx(0.3), 2)
    assert (cell.failed.count, cell.failed.total) == (1, 3)


def test_the_rate_is_the_x_axis_wherever_it_was_swept() -> None:
    members = [member(r, [0.5], settings={"optimizer": o}) for o in ("sgd", "adam") for r in (0.1, 0.01)]
    comparison = compare((sweep(members, ("optimizer", "lr")),))
    assert (comparison.x_axis, comparison.numeric) == ("lr", True)
    assert [group.label for group in comparison.groups] == ["sgd", "adam"]
    assert [cell.x for cell in comparison.groups[0].cells] == [0.01, 0.1]


def test_a_numeric_axis_is_preferred_to_a_category() -> None:
    members = [
        member(0.1, [0.5], settings={"model": m, "batch_size": b})
        for m in ("mlp", "cnn")
        for b in ("128", "16", "1024")
    ]
    comparison = compare((sweep(members, ("model", "batch_size")),))
    assert comparison.x_axis == "batch_size"
    assert [cell.x for cell in comparison.groups[0].cells] == [16, 128, 1024]
    assert [group.label for group in comparison.groups] == ["mlp", "cnn"]


def test_running_and_stopped_members_are_in_no_mean() -> None:
    members = [member(0.01, [0.3]), member(0.01, [0.1], seed=1, status="KILLED", verdict=None)]
    (cell,) = compare((sweep(members, ("lr", "seed")),)).groups[0].cells
    assert cell.best is not None
    assert (cell.best.mean, cell.failed.total) == (0.3, 1)


def test_a_crash_says_nothing_of_the_setting() -> None:
    members = [member(0.01, [0.3]), member(0.01, [], seed=1, status="FAILED", verdict=None)]
    (cell,) = compare((sweep(members, ("lr", "seed")),)).groups[0].cells
    assert str(cell.failed) == "0 of 1"
    assert cell.rows[1].member.outcome == "crashed"


def test_sweeps_that_nothing_tells_apart_get_their_ids() -> None:
    one = sweep([member(0.1, [1])], run_id="a" * 32)
    other = sweep([member(0.1, [1])], run_id="b" * 32)
    assert sweep_names((one, other)) == {"a" * 32: "lr × 3 aaaaaa", "b" * 32: "lr × 3 bbbbbb"}


def test_an_empty_sweep_compares_to_nothing() -> None:
    comparison = compare((sweep([]),))
    assert comparison.rows == ()
    assert comparison.groups == ()
    assert math.isnan(comparison.start)
