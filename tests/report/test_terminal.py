from __future__ import annotations

import io
import math

import pytest
from made_sweeps import member, sweep
from rich.console import Console

from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.output.interesting import MOST_ROWS
from lrscope.report.output.terminal import members_table


def printed(made: Sweep, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(members_table(made), crop=False)
    return out.getvalue().splitlines()


def three() -> Sweep:
    return sweep(
        [
            member(0.0001, [1.2], verdict=Verdict.TOO_SLOW),
            member(0.01, [0.4, 0.5]),
            member(1, [math.nan], verdict=Verdict.DIVERGED, status="FAILED"),
        ]
    )


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_and_cuts_nothing(width: int) -> None:
    lines = printed(three(), width)
    assert all(len(line.rstrip()) <= width for line in lines if "python train.py" not in line)
    commands = [line for line in lines if "python train.py" in line]
    assert commands == [line for line in printed(three(), 1000) if "python train.py" in line], "whole on one line"
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("Use"))]
    assert not any("…" in line for line in table)
    (best,) = [line for line in table if "★" in line]
    assert best.split()[:3] == ["★", "0.01", "trained"]
    assert "0.5000" in best.split()
    assert "0.4000" in best.split()
    assert "diverged" in "".join(table)


def test_a_wide_terminal_shows_more_than_a_narrow_one() -> None:
    assert len(printed(three(), 60)[2].split()) < len(printed(three(), 200)[2].split())


def test_the_best_member_is_the_one_with_the_lowest_loss_of_the_recommended_rate() -> None:
    made = sweep([member(0.01, [0.4], seed=0), member(0.01, [0.3], seed=1), member(0.1, [0.9])])
    (best,) = (line for line in printed(made, 100) if line.lstrip().startswith("★"))
    assert "0.01" in best.split() and "0.3000" in best.split()
    assert "★" not in "".join(printed(sweep([member(1, [1.8], verdict=Verdict.COLLAPSED)]), 100))


def test_of_many_rows_those_stand_that_tell_something() -> None:
    made = [member(0.001 * (i + 1), [0.9 - 0.01 * i]) for i in range(MOST_ROWS + 16)]
    made += [member(1 + i, [1.8], verdict=Verdict.COLLAPSED) for i in range(10)]
    lines = printed(sweep(made), 100)
    (best,) = [place for place, line in enumerate(lines) if "★" in line]
    assert "0.04" in lines[best].split()
    assert [line.split()[0] for line in lines[best - 2 : best + 2]] == ["0.038", "0.039", "★", "1"]
    folded = [" ".join(line.split()) for line in lines if "more:" in line]
    assert ["36 more: trained" in folded[0], "7 more: collapsed" in folded[1], len(folded)] == [True, True, 2]


def test_many_seeds_are_one_row_a_rate() -> None:
    made = [member(rate, [rate + 0.01 * seed], seed=seed) for rate in (0.1, 0.2) for seed in range(MOST_ROWS)]
    lines = printed(sweep(made, ("lr", "seed")), 120)
    assert [line.split()[:3] for line in lines if line.strip().startswith("★")] == [["★", "0.1", str(MOST_ROWS)]]


def test_columns_that_say_nothing_are_left_out() -> None:
    heads = " ".join(line for line in printed(three(), 200)[:3])
    assert "status" not in heads and "seed" not in heads
    running = sweep([member(0.1, [0.5]), member(0.2, [0.4], status="KILLED")])
    assert "status" in " ".join(printed(running, 200)[:3]), "a verdict does not say that a run was killed"


def test_why_the_others_failed_is_told_before_the_commands() -> None:
    lines = printed(three(), 80)
    at = lines.index("Why the others failed:")
    assert lines[at + 1] == "lr=1  diverged"
    assert lines[at + 2].startswith("    the loss") and lines[at + 2].endswith(".")
    assert lines[at + 3] == "lr=0.0001  too slow"
    assert at < next(i for i, line in enumerate(lines) if "python train.py" in line)
    assert "Why the others failed:" not in printed(sweep([member(0.1, [0.4]), member(0.2, [0.5])]), 80)


def test_one_headline_for_two_axes() -> None:
    made = [
        member(rate, [loss], settings={"lr": f"{rate:g}", "model": name})
        for name, rate, loss in (("a", 0.1, 0.3), ("a", 0.2, 0.4), ("b", 0.1, 0.6), ("b", 0.2, 0.5))
    ]
    lines = printed(sweep(made, ("lr", "model")), 100)
    assert len([line for line in lines if line.startswith("Use ")]) == 1
    assert "Others at their best: model=b: 0.5 at lr=0.2." in lines
