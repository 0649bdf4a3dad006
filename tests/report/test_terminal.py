from __future__ import annotations

import io
import math

import pytest
from made_sweeps import member, sweep
from rich.console import Console

from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.output.terminal import MOST_ROWS, members_table


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
    assert "0.5" in best.split()
    assert "0.4" in best.split()
    assert "diverged" in "".join(table)


def test_a_wide_terminal_shows_more_than_a_narrow_one() -> None:
    assert len(printed(three(), 60)[2].split()) < len(printed(three(), 200)[2].split())


def test_the_best_member_is_the_one_with_the_lowest_loss_of_the_recommended_rate() -> None:
    made = sweep([member(0.01, [0.4], seed=0), member(0.01, [0.3], seed=1), member(0.1, [0.9])])
    (best,) = (line for line in printed(made, 100) if line.lstrip().startswith("★"))
    assert "0.01" in best.split() and "0.3" in best.split()
    assert "★" not in "".join(printed(sweep([member(1, [1.8], verdict=Verdict.COLLAPSED)]), 100))


def test_a_long_table_is_cut_with_a_word() -> None:
    lines = printed(sweep([member(0.001 * (i + 1), [0.4]) for i in range(MOST_ROWS + 20)]), 100)
    assert "… 20 more members in the report" in lines
