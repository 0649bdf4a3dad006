"""What the figures show, as plain data."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_sweeps import member, sweep

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.stored_sweep import Member
from lrscope.report.figures.colours import MARKS
from lrscope.report.figures.end_labels import APART, spread_apart
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.figures.heat_map import heat_map_of
from lrscope.report.figures.shown import CurvePanel, FigureData
from lrscope.report.output.figure_json import figure_json


def shown(members: list[Member], axes: tuple[str, ...] = ("lr",)) -> FigureData:
    return figure_data_of(compare((sweep(members, axes),)), None, points=200)


def panel(data: FigureData, metric: str) -> CurvePanel:
    return next(one for one in data.curves if one.metric == metric)


def test_a_rate_that_fails_for_some_seeds_breaks_the_line_and_says_so() -> None:
    made = [member(rate, [0.5], seed=seed) for rate in (0.1, 0.2, 0.3, 0.4) for seed in range(5)]
    made[5:9] = [member(0.2, [1.9], seed=seed, verdict=Verdict.COLLAPSED) for seed in range(4)]
    losses = shown(made, ("lr", "seed")).losses[0]
    assert [(mean.x, mean.joined) for mean in losses.means[0]] == [
        (0.1, False), (0.2, False), (0.3, False), (0.4, True),
    ]  # fmt: skip
    assert losses.shares == ((0.2, "4/5 failed"),)


def test_the_line_does_not_cross_a_rate_that_always_fails() -> None:
    made = [member(0.1, [0.5]), member(0.2, [1.9], verdict=Verdict.COLLAPSED), member(0.3, [0.4])]
    assert [mean.joined for mean in shown(made).losses[0].means[0]] == [False, False]


def test_few_curves_are_named_at_their_ends_and_many_by_a_legend() -> None:
    few = shown([member(rate, [1.0, loss]) for rate, loss in ((0.1, 0.50), (0.2, 0.51), (0.3, 0.9))])
    labels = panel(few, "val/loss").labels
    assert [label.text for label in labels] == ["0.1", "0.2", "0.3"]
    assert few.labelled
    assert np.diff([label.place for label in labels]).min() >= APART - 1e-9, "no name lies on another"
    many = shown([member(0.01 * (i + 1), [0.5]) for i in range(30)])
    assert not many.labelled and many.scale == (0.01, 0.3)


@pytest.mark.parametrize("wanted", [[0.0, 0.0, 0.0], [1.0, 1.0], [0.5], [0.2, 0.21, 0.9, 0.9, 0.95], [0.3] * 12])
def test_names_stay_apart_and_near(wanted: list[float]) -> None:
    places = spread_apart(wanted)
    assert len(places) == len(wanted)
    assert all(high - low >= APART - 1e-9 for low, high in pairwise(places))
    assert places[0] >= -1e-9 and places[-1] <= 1 + 1e-9


def test_failed_members_have_the_colour_of_their_verdict() -> None:
    data = shown([member(0.1, [0.5]), member(1, [1.9], verdict=Verdict.COLLAPSED)])
    assert data.colours[1] == MARKS["collapsed"].colour != data.colours[0]


def test_a_diverged_run_appears_where_it_leaves_the_frame() -> None:
    away = Trace({"val/loss": Series(np.array([9, 19]), np.array([2.1, 1e9]))})
    lost = replace(member(1, [], verdict=Verdict.DIVERGED, status="FAILED"), trace=away)
    data = shown([member(0.1, [1.0, 0.5]), lost])
    (curve,) = [curve for curve in panel(data, "val/loss").curves if curve.row == 1]
    assert curve.leaves == 9, "its first loss above the frame"
    assert [label.text for label in panel(data, "val/loss").labels] == ["0.1", "1"], "its name stands at the top"


def test_constant_rates_get_no_frame_and_schedules_do() -> None:
    def ran(rate: float, factor: float) -> Member:
        steps = Series(np.array([0, 99]), np.array([rate, rate * factor]))
        made = member(rate, [0.5])
        return replace(made, trace=Trace({**made.trace.series, "lr": steps}))

    assert "lr" not in [one.metric for one in shown([ran(0.1, 1.0), ran(0.2, 0.99999)]).curves]
    assert "lr" in [one.metric for one in shown([ran(0.1, 1.0), ran(0.2, 0.1)]).curves]


def test_batch_losses_are_smoothed_however_few_runs_there_are() -> None:
    noise = np.random.default_rng(0).random(1000)
    made = member(0.1, [0.5])
    noisy = replace(made, trace=Trace({**made.trace.series, "train/loss": Series(np.arange(1000), noise)}))
    (curve,) = panel(shown([noisy]), "train/loss").curves
    assert len(curve.values) == 80
    assert np.std(curve.values) < 0.4 * np.std(noise)


def test_equal_losses_stand_in_the_middle_of_their_frame() -> None:
    data = shown([member(rate, [0.1924]) for rate in (0.1, 0.2)])
    y = data.losses[0].y
    assert y.place(0.1924) == pytest.approx(0.5)
    assert y.high - y.low > 0.005


def grid(failing: str = "1") -> list[Member]:
    return [
        member(
            rate,
            [0.1 * (1 + float(decay)) + rate],
            settings={"lr": f"{rate:g}", "wd": decay},
            verdict=Verdict.COLLAPSED if decay == failing and rate == 0.2 else Verdict.TRAINED,
        )
        for decay in ("0", "0.5", "1")
        for rate in (0.1, 0.2)
    ]


def test_two_axes_are_a_map_with_verdicts_and_one_recommended_pair() -> None:
    comparison = compare((sweep(grid(), ("lr", "wd")),))
    heat = heat_map_of(comparison, recommend(comparison)[0])
    assert heat is not None
    assert (heat.columns, heat.rows, heat.y_label) == (("0.1", "0.2"), ("0", "0.5", "1"), "wd")
    cells = [cell for row in heat.cells for cell in row if cell is not None]
    assert [cell.best for cell in cells] == [True, False, False, False, False, False]
    assert cells[0].weight == 1.0 and cells[0].loss == pytest.approx(0.2)
    assert (cells[5].outcome, cells[5].loss, cells[5].weight) == ("collapsed", None, 0.0)
    weights = [cell.weight for cell in cells[:5]]
    assert min(weights) == 0.0 and all(0 <= weight <= 1 for weight in weights)


def test_one_axis_and_two_settings_are_no_map() -> None:
    for made, axes in (([member(0.1, [0.4])], ("lr",)), ([m for m in grid() if m.settings["wd"] != "1"], ("lr", "wd"))):
        comparison = compare((sweep(made, axes),))
        assert heat_map_of(comparison, None) is None


def test_a_map_of_nothing_but_failures() -> None:
    made = [replace(one, verdict=Verdict.COLLAPSED) for one in grid()]
    comparison = compare((sweep(made, ("lr", "wd")),))
    heat = heat_map_of(comparison, recommend(comparison)[0])
    assert heat is not None and all(cell is None or cell.loss is None for row in heat.cells for cell in row)
    assert math.isfinite(sum(cell.weight for row in heat.cells for cell in row if cell is not None))


def test_a_member_whose_rate_nobody_knows_has_no_place_and_the_page_is_written() -> None:
    nameless = member(None, [0.9, 0.5], settings={"lr": ""}, name="by another program")
    compared = compare([sweep([member(0.1, [0.9, 0.4]), nameless, member(0.01, [0.9, 0.6])])])
    for at in (compared, compare([sweep([replace(nameless, settings={}), member(0.1, [0.9, 0.4])], axes=())])):
        data = figure_data_of(at, recommend(at)[0], 40)
        assert all(math.isfinite(mean.x) for one in data.losses for means in one.means for mean in means)
        assert figure_json(at, data)
