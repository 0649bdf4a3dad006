"""``sweep.objective``: a metric other than the loss decides, in its own direction."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from made_sweeps import member, series, sweep

from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Comparison, compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.stored_sweep import Member
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.output.columns import columns
from lrscope.report.output.starred import best_row
from lrscope.report.output.tables import cells_table

F1 = {"sweep.objective": "val/f1", "sweep.direction": "max"}


def scored(rate: float, losses: list[float], scores: list[float], seed: int = 0, **more: object) -> Member:
    """A member with a validation loss and an F1 score by epoch."""
    made = member(rate, losses, seed=seed, params=F1, **more)  # type: ignore[arg-type]
    return replace(made, trace=Trace({**made.trace.series, "val/f1": series(scores)}))


def three() -> Comparison:
    """0.01 has the lowest loss, 0.1 the highest F1."""
    members = [
        scored(0.001, [1.5, 1.2], [0.1, 0.2]),
        scored(0.01, [0.9, 0.3], [0.3, 0.5]),
        scored(0.1, [0.9, 0.4], [0.6, 0.8]),
    ]
    return compare((sweep(members),))


def test_the_highest_score_is_recommended_not_the_lowest_loss() -> None:
    comparison = three()
    (found,) = recommend(comparison)
    assert (found.best, found.loss) == (0.1, 0.8)
    assert found.sentences[0].startswith("Use lr=0.1: best val/f1 0.8")
    assert any(": best val/f1 0.5" in sentence for sentence in found.sentences)
    star = best_row(comparison, (found,))
    assert star is not None and star.member.rate == 0.1


def test_the_same_members_judged_by_their_loss() -> None:
    members = [replace(row.member, params={"sweep.objective": "val/loss"}) for row in three().rows]
    (found,) = recommend(compare((sweep(members),)))
    assert (found.best, found.loss) == (0.01, 0.3)


def test_numbers_are_shown_in_their_own_sign() -> None:
    comparison = three()
    shown = {column.key: [column.value(row) for row in comparison.rows] for column in columns(comparison)}
    assert shown["best_objective"] == shown["final_objective"] == [0.2, 0.5, 0.8]
    panel = figure_data_of(comparison, None, 100).losses[0]
    assert panel.title == "val/f1" and [dot.best for dot in panel.dots] == [0.2, 0.5, 0.8]
    assert figure_data_of(comparison, None, 100).curves[0].metric == "val/f1"


def test_an_interval_of_a_share_ends_at_one() -> None:
    members = [scored(rate, [1.0, 0.5], [0.4, top], seed) for rate, tops in ((0.1, (0.99, 0.9)), (0.01, (0.5, 0.4)))
               for seed, top in enumerate(tops)]  # fmt: skip
    comparison = compare((sweep(members, ("lr", "seed")),))
    table = cells_table(comparison)
    assert table is not None
    place = table.heads.index("best val/f1")
    assert [row[place] for row in table.rows] == ["0.4500", "0.9450"]
    assert table.rows[1][place + 1].endswith(" to 1.0000")


def test_a_score_that_fell_after_its_best_is_told() -> None:
    members = [scored(0.01, [0.9, 0.8], [0.1, 0.2]), scored(0.1, [0.9, 0.8, 0.7], [0.3, 0.9, 0.6])]
    (found,) = recommend(compare((sweep(members),)))
    assert any("0.1 ends at 0.6, below its best of 0.9" in warning for warning in found.warnings)


def test_a_failed_member_is_not_chosen_for_its_score() -> None:
    members = [scored(0.01, [0.9], [0.4]), scored(0.1, [0.9], [0.9], verdict=Verdict.COLLAPSED)]
    (found,) = recommend(compare((sweep(members),)))
    assert found.best == 0.01


def test_without_that_metric_the_loss_decides() -> None:
    comparison = compare((sweep([member(0.1, [0.4], params=F1), member(0.01, [0.3], params=F1)]),))
    assert (comparison.loss, comparison.judge.rises) == ("val/loss", False)
    assert math.isfinite(comparison.start)


@pytest.mark.parametrize(("direction", "best"), [("min", 0.001), ("max", 0.1)])
def test_the_direction_decides(direction: str, best: float) -> None:
    members = [replace(row.member, params={**F1, "sweep.direction": direction}) for row in three().rows]
    (found,) = recommend(compare((sweep(members),)))
    assert found.best == best
