"""Something that was to be recorded is lost: the command says what and why in one line, and ends with 1."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import type_command

SHORT = ("dataset=blobs", "model.hidden=[6]", "epochs=3", "tracking.log_model=none", "callbacks.look_ahead=false")

NO_ROOM = """
import sys
from lrscope.tracking.journal.journal import Journal
append = Journal.append
def full(journal, lines):
    if journal.exists():
        raise OSError(28, "No space left on device")
    append(journal, lines)
Journal.append = full
from lrscope.cli.main import main
sys.exit(main())
"""
"""``train.py`` on a disk that is full once a run has begun."""

NO_UPLOADER = """
import sys
from lrscope.tracking.delivery.uploader import Uploader
def broken(uploader):
    raise MemoryError("no such luck")
Uploader._round = broken
from lrscope.cli.main import main
sys.exit(main())
"""
"""``train.py`` whose thread that delivers breaks."""


@pytest.mark.parametrize("words", [("lr=0.1",), ("-m", "lr=0.1,0.01", "sweep.together=never")])
def test_what_is_lost_makes_the_exit_code_1(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = type_command(tmp_path, *words, *SHORT, "tracking.mode=offline", program=("-c", NO_ROOM))
    told = [line for line in done.err.splitlines() if "is lost" in line]
    assert done.code == 1 and len(told) == 1, done.err
    assert str(tmp_path / "outputs" / "spool") in told[0] and "Traceback" not in done.err
    assert any("No space left" in line for line in done.err.splitlines())


def test_what_is_kept_for_later_is_told_with_its_cause_and_is_no_loss(tmp_path: Path) -> None:
    done = type_command(tmp_path, "lr=0.1", *SHORT, program=("-c", NO_UPLOADER), store=True)
    told = [line for line in done.err.splitlines() if "no such luck" in line]
    assert done.code == 0 and len(told) == 1, done.err
    assert "make sync" in told[0] and "Traceback" not in done.err
