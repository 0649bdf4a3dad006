"""What the report of a search over several numbers shows: importance, map and path, from trials made by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from made_sweeps import member, sweep

from lrscope.core.pruned import Pruned
from lrscope.report.analysis.comparison import Comparison, Row, compare
from lrscope.report.analysis.importance import importances, swept_numbers
from lrscope.report.output.tables import cells_table
from lrscope.report.output.what_decides import what_decides

KEYS = ("lr", "optimizer.weight_decay")


def searched(method: str = "tpe") -> Comparison:
    """27 trials along a diagonal of rate and decay, four times; the rate alone decides. Two of three were stopped, the
    worse the earlier. They began in the order of their numbers.
    """
    made = []
    for number in range(27):
        rate = 10 ** (-number / 9)
        settings = {"lr": f"{rate:.3g}", "optimizer.weight_decay": f"{10 ** (-(number * 7 % 27) / 9):.3g}"}
        loss = 0.2 + 0.05 * abs(number - 12)
        own = member(rate, [1.9, loss], settings=settings, params={"search.method": method}, name=f"trial {number}")
        far = abs(number - 12)
        stop = Pruned(epoch=1 if far > 8 else 4, rung=1 if far > 8 else 2, place=far + 1, among=27, kept=9)
        made.append(replace(own, begun=1000 + number, pruned=stop if far > 4 else None))
    return compare([replace(sweep(made, axes=KEYS), searched=KEYS)])


def best_of(comparison: Comparison) -> Row:
    return min((row for row in comparison.rows if row.member.pruned is None), key=lambda row: row.score)


def test_trials_with_one_rate_are_no_seeds_of_each_other() -> None:
    """Two trials at lr=0.1 differ in their decay: each is a setting of its own, and there is no mean of the two."""
    made = [
        member(0.1, [1.9, loss], settings={"lr": "0.1", "optimizer.weight_decay": decay})
        for loss, decay in ((0.3, "0.01"), (0.9, "0.0001"))
    ]
    comparison = compare([replace(sweep(made, axes=KEYS), searched=KEYS)])
    assert comparison.seeds == 1 and cells_table(comparison) is None
    assert [cell.best.mean for group in comparison.groups for cell in group.cells if cell.best] == [0.3, 0.9]


def test_seeds_of_a_trial_are_one_setting() -> None:
    made = [
        member(0.1, [1.9, loss], seed=seed, settings={"lr": "0.1", "optimizer.weight_decay": "0.01", "seed": str(seed)})
        for seed, loss in enumerate((0.3, 0.5))
    ]
    comparison = compare([replace(sweep(made, axes=(*KEYS, "seed")), searched=KEYS)])
    assert [cell.best.mean for group in comparison.groups for cell in group.cells if cell.best] == [pytest.approx(0.4)]


def test_what_was_stopped_counts_for_the_importance() -> None:
    """Nine of 27 trained to their end: fewer than are asked for, and yet the rate has next to all of it."""
    comparison = searched()
    found = importances(comparison, swept_numbers(comparison))
    assert isinstance(found, dict), found
    assert found["lr"] > 0.8


def test_the_map_has_every_trial_and_rings_the_recommended_one() -> None:
    comparison = searched("halving")
    page = what_decides(comparison, best_of(comparison))
    assert page.count("<figure>") == 1, "trials that all begin at once have no path"
    assert "Map of 27 trials over lr and optimizer.weight_decay" in page
    marks = re.findall(r'translate\(([\d.]+),([\d.]+)\)">.*?<title>(trial \d+): ([^<]*)</title>', page)
    assert len(marks) == 27
    across = {name: float(x) for x, _, name, _ in marks}
    assert across["trial 0"] > across["trial 9"] > across["trial 18"], "the rate falls from 1 by a decade each"
    assert across["trial 0"] - across["trial 9"] == pytest.approx(across["trial 9"] - across["trial 18"], abs=0.2)
    assert {name: fate for _, _, name, fate in marks}["trial 26"] == "pruned at epoch 1"
    (ringed,) = re.findall(r"<circle[^>]*/><title>(trial \d+)", page)
    assert ringed == "trial 12"


def test_the_path_goes_down_to_the_best_in_the_order_of_the_trials() -> None:
    """Trials 8 to 12 each beat the one before, those behind do not."""
    comparison = searched("tpe")
    page = what_decides(comparison, best_of(comparison))
    assert page.count("<figure>") == 2 and "Path of 27 trials" in page
    (line,) = re.findall(r'<path class="mean" d="M([^"]*)"', page)
    heights = [float(point.split(",")[1]) for point in line.split("L")]
    assert heights == sorted(heights), "further down is better"
    assert len(set(heights)) == 5


def test_a_grid_of_two_numbers_has_neither() -> None:
    made = [member(lr, [1.9, lr], settings={"lr": f"{lr:g}", "batch_size": str(n)}) for lr in (1, 0.1) for n in (8, 16)]
    assert what_decides(compare([sweep(made, axes=("lr", "batch_size"))]), None) == ""


def test_the_path_of_a_metric_that_is_to_rise_tells_it_as_it_is() -> None:
    """Accuracies of 0.5 to 0.9: none of the labels is the negative cost by which they are ranked."""
    made = []
    for number, accuracy in enumerate((0.5, 0.7, 0.6, 0.9)):
        params = {"search.method": "tpe", "sweep.objective": "val/acc", "sweep.direction": "max"}
        settings = {"lr": f"{0.1 * (number + 1):.1f}", "optimizer.weight_decay": f"{0.01 * (4 - number):.2f}"}
        own = member(0.1 * (number + 1), [0.1, accuracy], settings=settings, params=params, metric="val/acc")
        made.append(replace(own, begun=number))
    page = what_decides(compare([replace(sweep(made, axes=KEYS), searched=KEYS)]), None)
    path = page[page.index("what they came to") :]
    labels = [float(text) for text in re.findall(r'text-anchor="end">([^<]*)</text>', path)]
    assert len(labels) >= 2 and all(0 < label <= 1 for label in labels), labels
    assert labels == sorted(labels, reverse=True), "from the foot up, where the best is"
