"""Killed at a random moment and continued: no point missing, none doubled, whatever of the record survived."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of, values_of

from lrscope.core.errors import InputError
from lrscope.tracking import Point, TrackingSettings, now_ms, open_session
from lrscope.tracking.delivery.sync import sync

WRITER = """
import sys, time
from lrscope.tracking import *
session = open_session(TrackingSettings(mode=sys.argv[2]))
log = session.start(RunStart("killed", "n", "run", sys.argv[1], params={"lr": "1"}), wait=True)
print("ready", flush=True)
for step in range(100_000):
    log.points([Point("train/loss", step, step / 3, now_ms()), Point("lr", step, 1 / (step + 1), now_ms())])
    if step % 10 == 0:
        time.sleep(0.001)
"""


def _client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def _wait_for(journal: Path, size: int = 1) -> None:
    """Until a journal has so many bytes."""
    deadline = time.monotonic() + 120
    while not journal.exists() or journal.stat().st_size < size:
        assert time.monotonic() < deadline, "nothing was recorded"
        time.sleep(0.02)


def _killed_writer(root: Path, local_id: str, mode: str, after_s: float) -> None:
    command = [sys.executable, "-c", WRITER, local_id, mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        _wait_for(root / "outputs" / "spool" / local_id / "events.jsonl", 5000)
        time.sleep(after_s)
        os.kill(process.pid, signal.SIGKILL)


def _check(root: Path, local_id: str, last: int) -> None:
    client = _client(root)
    run_id = run_of(client, local_id).info.run_id
    assert steps_of(client, run_id) == list(range(last))
    assert steps_of(client, run_id, "lr") == list(range(last))
    assert all(value == step / 3 for step, value in values_of(client, run_id).items())


@pytest.mark.parametrize(("mode", "seed"), [("online", 0), ("offline", 1)])
def test_a_killed_run_goes_on_where_its_record_ends(store_project: Path, mode: Any, seed: int) -> None:
    _killed_writer(store_project, "k1", mode, random.Random(seed).uniform(0, 2.0))
    session = open_session(TrackingSettings(mode=mode))
    log = session.reopen("k1")
    reached = log.last_step("train/loss")
    assert reached is not None and reached > 50
    # From a checkpoint before the kill: the steps since are measured again, at another time.
    for step in range(reached - 50, reached + 50):
        log.points([Point("train/loss", step, step / 3, now_ms()), Point("lr", step, 1 / (step + 1), now_ms())])
    log.end("FINISHED")
    session.close()
    sync(TrackingSettings())
    _check(store_project, "k1", reached + 50)
    run = run_of(_client(store_project), "k1")
    assert run.info.status == "FINISHED"
    assert "lrscope.replayed" not in run.data.tags


def test_without_its_spool_a_run_is_rebuilt_from_the_store(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    record(session.start(start("rebuilt", "g1", params={"lr": "1"})), range(30))
    session.close()
    shutil.rmtree(store_project / "outputs" / "spool" / "g1")
    second = open_session(TrackingSettings())
    log = second.reopen("g1", wait=True)
    assert log.run_id == run_of(_client(store_project), "g1").info.run_id
    assert (log.last_step("train/loss"), log.last_step("val/loss")) == (29, None)
    assert run_of(_client(store_project), "g1").info.status == "RUNNING"
    record(log, range(20, 40))
    log.end("FINISHED")
    assert second.close().undelivered == ()
    run = run_of(_client(store_project), "g1")
    assert steps_of(_client(store_project), run.info.run_id) == list(range(40))
    assert run.data.params == {"lr": "1"}


def test_a_replay_that_differs_keeps_the_first_value_and_says_so(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    record(session.start(start("gpu", "r1")), range(10))
    session.close()
    second = open_session(TrackingSettings())
    log = second.reopen("r1")
    for step in range(5, 15):
        log.points([Point("train/loss", step, 99.0, now_ms())])
    log.end("FINISHED")
    second.close()
    run = run_of(_client(store_project), "r1")
    values = values_of(_client(store_project), run.info.run_id)
    assert (values[9], values[10], len(values)) == (10 / 7, 99.0, 15)
    assert run.data.tags["lrscope.replayed"] == "true"


@pytest.mark.usefixtures("project")
def test_a_torn_spool_is_continued_from_its_last_whole_line() -> None:
    session = open_session(TrackingSettings(mode="offline"))
    log = session.start(start("torn", "t1"))
    record(log, range(10))
    session.close()
    with (log.folder / "events.jsonl").open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 7)
    second = open_session(TrackingSettings(mode="offline"))
    again = second.reopen("t1")
    assert (again.last_step("train/loss"), again.last_step("lr")) == (8, 8)
    second.close()


def test_a_run_that_a_live_process_records_is_not_taken_from_it(store_project: Path) -> None:
    command = [sys.executable, "-c", WRITER, "live", "offline"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        _wait_for(store_project / "outputs" / "spool" / "live" / "events.jsonl")
        session = open_session(TrackingSettings(mode="offline"))
        with pytest.raises(InputError, match=f"process {process.pid} is recording it"):
            session.reopen("live")
        process.kill()
    session.reopen("live")
    session.close()


@pytest.mark.usefixtures("store_project")
def test_a_run_that_nobody_knows_is_bad_input() -> None:
    for mode in ("online", "offline"):
        session = open_session(TrackingSettings(mode=mode))  # type: ignore[arg-type]
        with pytest.raises(InputError, match="no such run"):
            session.reopen("unknown")
        session.close()
