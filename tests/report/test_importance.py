"""A sweep over more than two numbers: how much each matters, and its members as lines through their values."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable

import pytest
from made_sweeps import member, sweep

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Comparison, compare
from lrscope.report.analysis.importance import importances, swept_numbers
from lrscope.report.output.what_decides import what_decides

RATES, DECAYS, SIZES = (0.1, 0.01, 0.001), (0.1, 0.01, 0.001), (16, 32, 64)
KEYS = ("lr", "optimizer.weight_decay", "batch_size")


def crossed(loss: Callable[[float, float, int], float], rates: tuple[float, ...] = RATES) -> Comparison:
    """Members at every triple; where the loss is nan the member diverged."""
    made = []
    for triple in itertools.product(rates, DECAYS, SIZES):
        end = loss(*triple)
        verdict = Verdict.TRAINED if math.isfinite(end) else Verdict.DIVERGED
        settings = dict(zip(KEYS, (f"{value:g}" for value in triple), strict=True))
        made.append(member(triple[0], [1.9, end], verdict=verdict, settings=settings))
    return compare([sweep(made, axes=KEYS)])


def shares(comparison: Comparison) -> dict[str, float]:
    found = importances(comparison, swept_numbers(comparison))
    assert isinstance(found, dict), found
    return found


@pytest.mark.parametrize("decides", [0, 1, 2])
def test_the_axis_that_alone_decides_has_all_of_it(decides: int) -> None:
    found = shares(crossed(lambda *triple: 0.5 + 0.1 * abs(math.log10(triple[decides] / (0.1, 0.1, 16)[decides]))))
    assert sum(found.values()) == pytest.approx(1)
    assert found[KEYS[decides]] > 0.95


def test_what_failed_counts_as_worst() -> None:
    found = shares(crossed(lambda lr, _decay, size: math.nan if lr > 0.05 else 0.5 + 0.0001 * size))
    assert found["lr"] > found["optimizer.weight_decay"] + 0.1


def test_two_numbers_are_told_by_a_map_alone() -> None:
    made = [member(lr, [1.9, lr], settings={"lr": f"{lr:g}", "batch_size": str(n)}) for lr in RATES for n in SIZES]
    assert what_decides(compare([sweep(made, axes=("lr", "batch_size"))]), None) == ""


def test_few_members_have_no_importance_and_that_is_told() -> None:
    comparison = crossed(lambda lr, *_: lr, rates=(0.1, 0.01))
    told = importances(comparison, swept_numbers(comparison))
    assert told == "The importance of each axis is told from 20 members on; 18 came to an end."
    assert told in what_decides(comparison, None)


def test_every_member_is_a_line_from_its_values_to_its_loss() -> None:
    comparison = crossed(lambda lr, decay, size: math.nan if lr > 0.05 else lr + decay + size)
    best = min((row for row in comparison.rows if not row.member.failed), key=lambda row: row.score)
    lines = re.findall(r'<path d="M([^"]*)" stroke="([^"]*)" stroke-width="([^"]*)"', what_decides(comparison, best))
    assert len(lines) == 27
    paths = [[float(point.split(",")[1]) for point in path.split("L")] for path, _, _ in lines]
    top, foot = min(map(min, paths)), max(map(max, paths))
    (strong,) = [path for path, line in zip(paths, lines, strict=True) if line[2] == "3.5"]
    assert strong[:3] == [foot] * 3, "all its values are the lowest that were swept"
    failed = [path for path in paths if path[3] == top]
    assert len(failed) == 9 and all(path[0] == top for path in failed), "of the highest rate"
    assert len({line[1] for line in lines}) == 2, "trained, and diverged"
