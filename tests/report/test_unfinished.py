"""A sweep with members that have not ended: what goes on with it comes before all other advice."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from made_sweeps import member, sweep
from rich.console import Console

from lrscope.core.verdict import Finding, Verdict
from lrscope.report.data.stored_sweep import Member, Sweep
from lrscope.report.output.report import report_of
from lrscope.report.output.sweep_note import write_note
from lrscope.report.output.terminal import members_table

GOING_ON = "python train.py -m lr=1,0.1 resume=" + "0" * 32
TRIED = Finding(Verdict.DIVERGED, "it grew", "start with lr=0.1", rate=0.1, changes={"lr": 0.1})

UNFINISHED = {
    "a member was killed": sweep([member(0.01, [0.4]), member(0.1, [0.2], status="KILLED", verdict=None)]),
    "the best at the edge": sweep([member(0.01, [0.4]), member(0.1, [0.2])], planned=3),
    "all were too slow": sweep([member(r, [1.9], verdict=Verdict.TOO_SLOW) for r in (0.01, 0.1)], planned=3),
    "coarse": sweep([member(r, [v]) for r, v in ((0.0001, 0.8), (0.01, 0.1), (1, 0.9))], planned=4),
    "none began": sweep([], planned=3),
    "those that ended failed": sweep(
        [replace(member(9.0, [math.nan], verdict=Verdict.DIVERGED), finding=TRIED)], planned=2
    ),
    "another axis": sweep(
        [member(0.01, [v], settings={"model": m}) for m, v in (("mlp", 0.3), ("cnn", 0.2))], ("model",), planned=3
    ),
}


def printed(made: Sweep, going_on: str | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(members_table(made, going_on), crop=False)
    return out.getvalue()


@pytest.mark.parametrize("made", UNFINISHED.values(), ids=UNFINISHED)
def test_the_one_command_goes_on_and_nothing_is_starred_or_points_elsewhere(made: Sweep) -> None:
    made = replace(made, overrides=("lr=1,0.1", "resume=latest"))
    text = printed(made)
    assert [line.strip() for line in text.splitlines() if "train.py" in line] == [GOING_ON]
    assert "★" not in text
    for words in ("beyond", "command below", "Start with", "more seeds"):
        assert words not in text
    found = report_of(made)
    if found.first is not None:
        assert found.first.commands == ((found.commands[0][0], GOING_ON),)
        assert found.first.evidence in ("tentative", "none")
        assert GOING_ON in write_note(found)


def test_who_called_it_knows_better_how_to_go_on() -> None:
    text = printed(UNFINISHED["a member was killed"], 'in your script: lrscope.sweep("resume=1")')
    assert 'lrscope.sweep("resume=1")' in text and "train.py" not in text


def test_a_sweep_that_lrscope_did_not_make_is_advised_on_as_it_is() -> None:
    members: list[Member] = [member(0.01, [0.4]), member(0.1, [0.2]), member(1, [], status="KILLED", verdict=None)]
    found = report_of(replace(sweep(members), ours=False))
    assert found.best is not None and found.best.x == 0.1
    assert not any("resume" in command for _, command in found.commands)
