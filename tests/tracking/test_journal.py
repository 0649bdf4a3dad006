from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lrscope.core.errors import InputError
from lrscope.tracking import Point
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal, Offset, all_journals


def _points(step: int) -> ev.Points:
    return ev.Points((Point("train/loss", step, step / 3, 1000 + step),))


def _filled(folder: Path, events: int) -> Journal:
    journal = Journal(folder)
    for step in range(events):
        journal.append(ev.encode(_points(step)))
    return journal


def test_events_come_back_in_order_from_any_offset(tmp_path: Path) -> None:
    journal = _filled(tmp_path / "run", 5)
    events, end, damaged = journal.read(0)
    assert [event for _, event in events] == [_points(step) for step in range(5)]
    assert (end, damaged) == (journal.size(), 0)
    rest, _, _ = journal.read(events[2][0])
    assert [event for _, event in rest] == [_points(3), _points(4)]


def test_a_torn_last_line_is_ignored_and_cut_on_reopening(tmp_path: Path) -> None:
    journal = _filled(tmp_path / "run", 3)
    whole = journal.size()
    with journal.events_file.open("ab") as file:
        file.write(ev.encode(_points(3))[:-9])
    events, end, damaged = journal.read(0)
    assert (len(events), end, damaged) == (3, whole, 0)
    again = Journal(tmp_path / "run")
    assert again.cut_torn_tail() > 0
    again.append(ev.encode(_points(3)))
    assert [event for _, event in again.read(0)[0]] == [_points(step) for step in range(4)]


def test_a_spool_that_is_nothing_but_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.events_file.write_bytes(b'{"event":"start"' + b"x" * 200_000)
    assert journal.cut_torn_tail() > 200_000
    assert journal.size() == 0


def test_a_damaged_line_in_the_middle_costs_that_line_only(tmp_path: Path) -> None:
    journal = _filled(tmp_path / "run", 2)
    journal.append(b'{"event":"poi\x00\x00\n')
    journal.append(ev.encode(_points(2)))
    events, end, damaged = journal.read(0)
    assert [event for _, event in events] == [_points(0), _points(1), _points(2)]
    assert (damaged, end) == (1, journal.size())


def test_a_line_longer_than_one_read_is_read_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run")
    long = ev.Text("x" * 3_000_000, "big.txt")
    journal.append(ev.encode(long) + ev.encode(_points(0)))
    assert list(journal.events()) == [long, _points(0)]


def test_a_failed_append_leaves_whole_lines_only(tmp_path: Path) -> None:
    """A file size limit stands for the full disk: a write that does not fit is written in part, then refused."""
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = _filled(tmp_path / "run", 3)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.size() + 30, journal.size() + 30))
        try:
            journal.append(ev.encode(_points(3)) * 10)
        except OSError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert list(Journal(tmp_path / "run").events()) == [_points(step) for step in range(3)]


def test_a_cursor_survives_and_a_torn_one_means_the_beginning(tmp_path: Path) -> None:
    journal = _filled(tmp_path / "run", 1)
    offset = Offset(17, "r", "1", "sqlite:///x", "KILLED", 2)
    journal.set_offset(offset)
    assert Journal(tmp_path / "run").offset() == offset
    (tmp_path / "run" / "cursor.json").write_text('{"offset": 1')
    assert journal.offset() == Offset()


def test_only_one_at_a_time_delivers(tmp_path: Path) -> None:
    journal = _filled(tmp_path / "run", 1)
    got: list[bool] = []

    def try_it() -> None:
        with Journal(tmp_path / "run").delivering(0) as held:
            got.append(held)

    with journal.delivering(None) as held:
        assert held
        other = threading.Thread(target=try_it)
        other.start()
        other.join()
    try_it()
    assert got == [False, True]


def test_an_id_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    for name in ("../x", "a/b", "", ".hidden", "a\0b", "x" * 101):
        with pytest.raises(InputError):
            Journal.of(tmp_path, name)


def test_all_spools_lists_folders_with_events_only(tmp_path: Path) -> None:
    _filled(tmp_path / "a", 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert [journal.local_id for journal in all_journals(tmp_path)] == ["a"]
    assert all_journals(tmp_path / "nowhere") == []
