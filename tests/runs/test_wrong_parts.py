"""Two hundred random parts of a user's own: each is refused in at most two lines before a run is made, or trains."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from single_runs import compose_config
from wrong_parts import CASES, words

from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.runs.run import run
from lrscope.sweeps.check import raise_problems

QUIET = ("tracking=off", "callbacks.look_ahead=false")


def refused(number: int, folder: Path) -> list[str] | None:
    """The lines that refuse a part; None where it trained."""
    typed = [*words(number), *QUIET, f"tracking.spool={folder}/spool"]
    cfg = run_config(compose_config(*typed), typed)
    try:
        raise_problems([cfg])
    except InputError as error:
        return str(error).splitlines()
    outcome = run(cfg, Job(folder, ()))
    assert not outcome.crashed, f"let through, and crashed: {outcome.why}"
    assert outcome.steps > 0
    return None


SOME = 60
"""Of the cases: what `make test` tries."""

NUMBERS = [
    pytest.param(number, id=f"{number}-{case.group}", marks=pytest.mark.long if number >= SOME else ())
    for number, case in enumerate(CASES)
]


@pytest.mark.parametrize("number", NUMBERS)
def test_is_refused_in_two_lines_or_trains(number: int, tmp_path: Path) -> None:
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        lines = refused(number, tmp_path)
    if lines is None:
        return
    what = CASES[number].what
    assert 1 <= len(lines) <= 2, (what, lines)
    for line in lines:
        assert len(line) < 700, (what, line)
        assert ": " in line
    assert not told.getvalue(), what
