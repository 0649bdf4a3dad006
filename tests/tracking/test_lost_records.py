"""A thread that records breaks: the user is told at the end, in one line with the cause, and nothing else suffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.tracking import DeliveryResult, Point, RunLog, TrackingSettings, now_ms, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.delivery.uploader import Uploader
from lrscope.tracking.journal.writer import JournalWriter


def _client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def _record_two(mode: str = "online", bad: bool = False) -> DeliveryResult:
    session = open_session(TrackingSettings(mode="offline" if mode == "offline" else "online"))
    logs: list[RunLog] = [session.start(start("broken", name)) for name in ("first", "second")]
    for log in logs:
        record(log, range(50))
        if bad and log.local_id == "first":
            log.points([Point("train/loss", 50, object(), now_ms())])  # type: ignore[arg-type]
        record(log, range(51, 100))
        session.flush()
        log.end("FINISHED")
    return session.close()


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_what_cannot_be_written_down_is_lost_and_told_and_the_rest_arrives(store_project: Path, mode: str) -> None:
    delivery = _record_two(mode, bad=True)
    assert delivery.lost == ("first",)
    assert len(delivery.words.splitlines()) == 1
    assert "TypeError" in delivery.words and "first" in delivery.words and "lost" in delivery.words
    if mode == "offline":
        sync(TrackingSettings())
    client = _client(store_project)
    for name in ("first", "second"):
        run = run_of(client, name)
        assert run.info.status == "FINISHED"
        assert steps_of(client, run.info.run_id) == [step for step in range(100) if step != 50]


@pytest.mark.parametrize("part", ["_sync", "flush"])
def test_a_writer_that_died_is_told_and_what_it_left_is_written_at_the_end(
    store_project: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    whole = getattr(JournalWriter, part)

    def broken_in_its_thread(writer: JournalWriter) -> None:
        if not writer._stop.is_set():
            raise RuntimeError("no such luck")
        whole(writer)

    monkeypatch.setattr(JournalWriter, part, broken_in_its_thread)
    session = open_session(TrackingSettings())
    log = session.start(start("broken", "first"))
    session._disk._thread.join(60)  # type: ignore[union-attr]
    record(log, range(1000))
    log.end("FINISHED")
    delivery = session.close()
    assert (delivery.undelivered, delivery.lost) == ((), ())
    assert len(delivery.words.splitlines()) == 1
    assert "no such luck" in delivery.words and "Nothing is lost" in delivery.words
    run = run_of(_client(store_project), "first")
    assert (run.info.status, steps_of(_client(store_project), run.info.run_id)) == ("FINISHED", list(range(1000)))


@pytest.mark.parametrize("part", ["_round", "_deliver"])
def test_an_uploader_that_died_is_told_and_what_it_left_is_delivered_later(
    store_project: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("token=abc123 is too long") if part != "_deliver" else SystemExit("no such luck")

    with monkeypatch.context() as broken_now:
        broken_now.setattr(Uploader, part, broken)
        delivery = _record_two()
    assert (set(delivery.undelivered), delivery.lost) == ({"first", "second"}, ())
    assert len(delivery.words.splitlines()) == 1
    assert ("no such luck" in delivery.words) == (part == "_deliver") and "make sync" in delivery.words
    assert set(sync(TrackingSettings()).delivered) == {"first", "second"}
    client = _client(store_project)
    assert all(steps_of(client, run_of(client, name).info.run_id)[-1] == 99 for name in ("first", "second"))
