from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lrscope.tracking import Point, RunLog
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal import writer as disk_module
from lrscope.tracking.journal.journal import Journal
from lrscope.tracking.journal.writer import JournalWriter


def _log(folder: Path, writer: JournalWriter) -> RunLog:
    return RunLog(Journal(folder), writer.record)


def _recorded(folder: Path) -> list[int]:
    return [point.step for event in Journal(folder).events() if isinstance(event, ev.Points) for point in event.points]


def test_what_is_recorded_comes_to_disk_by_itself(tmp_path: Path) -> None:
    writer = JournalWriter()
    writer.start()
    log = _log(tmp_path / "run", writer)
    log.points([Point("loss", 0, 1.0, 1)])
    deadline = time.monotonic() + 120
    while _recorded(tmp_path / "run") != [0]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    writer.stop()


def test_flush_is_done_when_it_returns(tmp_path: Path) -> None:
    writer = JournalWriter()
    logs = [_log(tmp_path / f"run{k}", writer) for k in range(50)]
    for step in range(20):
        for log in logs:
            log.points([Point("loss", step, 1.0, 1)])
    writer.flush()
    assert all(_recorded(log.folder) == list(range(20)) for log in logs)


def test_a_folder_that_cannot_be_written_costs_nothing_until_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "MOST_POINTS_IN_MEMORY", 1000)
    (tmp_path / "blocked").write_text("a file where the folder should be")
    writer = JournalWriter()
    log = _log(tmp_path / "blocked" / "run", writer)
    for step in range(1500):
        log.points([Point("loss", step, 1.0, 1)])
    log.end("FAILED")
    writer.flush()
    assert writer.failing() and writer.unsaved_runs() == ("run",)
    log.points([Point("loss", 1500, 1.0, 1)])
    writer.finish()
    told = writer.warnings()
    assert len(told) == 2 and "cannot be written" in told[0] and "dropped" in told[1]
    (tmp_path / "blocked").unlink()
    writer.finish()
    assert not writer.failing() and writer.unsaved_runs() == ()
    # The beginning is whole, the newest were dropped, and how it ended was not.
    assert _recorded(log.folder) == list(range(1000))
    assert [event.name for event in Journal(log.folder).events()][-1] == "end"
    assert writer.warnings() == ["The journal can be written again."]


def test_what_goes_straight_to_the_store_is_noted_when_the_disk_is_back(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    writer = JournalWriter()
    log = _log(tmp_path / "blocked" / "run", writer)
    log.points([Point("loss", step, 1.0, 1) for step in range(10)])
    writer.finish()
    with pytest.raises(ConnectionError), writer.unsaved(log) as events:
        assert len(events) == 1
        raise ConnectionError
    assert writer.unsaved_runs() == ("run",)
    with writer.unsaved(log):
        log.points([Point("loss", 10, 1.0, 1)])
        writer.finish()
    (tmp_path / "blocked").unlink()
    writer.finish()
    assert list(Journal(log.folder).events()) == [ev.Sent({"loss": 9}), ev.Points((Point("loss", 10, 1.0, 1),))]


def test_a_forked_child_does_not_write_what_its_parent_recorded(tmp_path: Path) -> None:
    writer = JournalWriter()
    log = _log(tmp_path / "run", writer)
    log.points([Point("loss", 0, 1.0, 1)])
    pid = os.fork()
    if pid == 0:
        writer.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    assert _recorded(log.folder) == []
    writer.flush()
    assert _recorded(log.folder) == [0]
