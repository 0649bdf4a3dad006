"""A real server behind a proxy that fails: training never waits, and every point arrives once."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.tracking import DatasetInfo, RunLog, Session, TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from servers import Proxy, Server

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def client(mlflow_server: Server) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(mlflow_server.uri)


def _open(proxy: Proxy, seconds: float = 30) -> tuple[Session, RunLog, str]:
    local_id = uuid.uuid4().hex
    session = open_session(TrackingSettings(uri=proxy.uri, finish_timeout_s=seconds))
    log = session.start(start("outage", local_id), wait=True)
    assert log.run_id is not None
    return session, log, local_id


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)


def _train_through(log: RunLog, first: int, last: int) -> float:
    """Seconds of a training that measures each 2 ms."""
    began = time.monotonic()
    for step in range(first, last):
        record(log, [step])
        time.sleep(0.002)
    return time.monotonic() - began


NO_WAIT_S = 30
"""More than a busy machine needs for 300 calls, and less than they take if each waits for a server: minutes."""


@pytest.mark.parametrize("mode", ["refuse", "hang", "status", "cut request", "cut answer"])
def test_an_outage_while_training_costs_neither_time_nor_points(proxy: Proxy, client: Any, mode: str) -> None:
    session, log, local_id = _open(proxy)
    record(log, range(200))
    proxy.mode = mode
    asked = proxy.requests
    took = _train_through(log, 200, 400)
    if mode != "refuse":
        _wait(lambda: proxy.requests > asked)
    proxy.mode = "pass"
    record(log, range(400, 600))
    log.text("lr: 1", "config.yaml")
    log.end("FINISHED")
    assert session.close().words == ""
    session.check()
    run = run_of(client, local_id)
    assert run.info.status == "FINISHED"
    assert steps_of(client, run.info.run_id) == list(range(600))
    assert steps_of(client, run.info.run_id, "lr") == list(range(600))
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert took < NO_WAIT_S


def test_a_run_whose_creation_was_cut_off_is_made_once(proxy: Proxy, client: Any) -> None:
    local_id = uuid.uuid4().hex
    session = open_session(TrackingSettings(uri=proxy.uri))
    session.start(start("outage", "warm" + local_id[:8]), wait=True)
    proxy.mode = "cut answer"
    log = session.start(start("outage", local_id), wait=True)
    assert log.run_id is None
    proxy.mode = "pass"
    record(log, range(10))
    assert session.close().undelivered == ()
    assert steps_of(client, run_of(client, local_id).info.run_id) == list(range(10))


def test_the_user_is_told_once_when_it_goes_and_once_when_it_is_back(proxy: Proxy) -> None:
    session, log, _ = _open(proxy)
    proxy.mode = "refuse"
    record(log, range(5))
    told: list[str] = []
    _wait(lambda: bool(told.extend(session.warnings()) or told))
    record(log, range(5, 10))
    time.sleep(3)
    assert len(told + session.warnings()) == 1 and proxy.uri in told[0]
    proxy.mode = "pass"
    back: list[str] = []
    _wait(lambda: bool(back.extend(session.warnings()) or back))
    assert len(back) == 1 and "answers again" in back[0]
    session.close()


@pytest.mark.parametrize(("mode", "status"), [("refuse", 0), ("hang", 0), ("status", 401)])
def test_what_is_left_at_the_end_is_told_and_delivered_by_sync(
    proxy: Proxy, client: Any, project: Path, mode: str, status: int
) -> None:
    session, log, local_id = _open(proxy, seconds=1.5)
    proxy.status = status
    proxy.mode = mode
    record(log, range(100))
    log.end("FINISHED")
    began = time.monotonic()
    delivery = session.close()
    assert time.monotonic() - began < 60  # MLflow by itself would try for 247
    assert delivery.undelivered == (local_id,)
    assert "make sync" in delivery.words and str(project / "outputs" / "spool") in delivery.words
    assert not any("answers again" in words for words in session.warnings())
    assert run_of(client, local_id).info.status == "RUNNING"
    proxy.mode = "pass"
    # A hanging call of the closed session may still hold the journal until it is cut off.
    _wait(lambda: local_id in sync(TrackingSettings(uri=proxy.uri)).delivered)
    run = run_of(client, local_id)
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(100)))
    assert sync(TrackingSettings(uri=proxy.uri)).words == ()


SLOW_S, PATIENCE_S = 1.5, 7.0
"""Seconds that a slow server takes for each call, and that a writer waits for one."""


def test_a_run_on_a_slow_server_arrives_by_itself(proxy: Proxy, client: Any) -> None:
    """Each call counts as a sign of life: together they take longer than the writer waits for a server that is away."""
    session, log, local_id = _open(proxy, seconds=PATIENCE_S)
    proxy.delay_s = SLOW_S
    asked = proxy.requests
    assert _train_through(log, 0, 300) < NO_WAIT_S
    log.text("lr: 1", "config.yaml")
    log.text("lr=1", "overrides.yaml")
    log.tags({"lrscope.verdict": "trained"})
    log.end("FINISHED")
    closing = time.monotonic()
    assert session.close().words == ""
    assert time.monotonic() - closing > PATIENCE_S
    assert session.warnings() == []
    run = run_of(client, local_id)
    assert (run.info.status, run.data.tags["lrscope.verdict"]) == ("FINISHED", "trained")
    assert steps_of(client, run.info.run_id) == list(range(300))
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["config.yaml", "overrides.yaml"]
    files = [line for line in proxy.asked[asked:] if line.startswith("PUT")]
    assert len(files) == 2
    # The points of the start, the rest with the tags, the files side by side, the status; each read back once.
    assert proxy.requests - asked <= 2 * 5
    assert proxy.most_at_once >= 2


LEFT_EARLY = """
import sys
from lrscope.tracking import *

uri, local_id = sys.argv[1:]
session = open_session(TrackingSettings(uri=uri, finish_timeout_s=1))
log = session.start(RunStart("outage", "n", "run", local_id), wait=True)
print("begun", flush=True)
sys.stdin.readline()
log.points([Point("train/loss", step, step / 3, now_ms()) for step in range(300)])
log.text("lr: 1", "config.yaml")
log.end("FINISHED")
print(session.close().words)
"""


def test_what_a_slow_server_did_not_take_in_time_arrives_by_one_sync(proxy: Proxy, client: Any, project: Path) -> None:
    local_id = uuid.uuid4().hex
    command = [sys.executable, "-c", LEFT_EARLY, proxy.uri, local_id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout is not None and training.stdout.readline() == "begun\n"
        proxy.delay_s = 200
        words, _ = training.communicate("\n", timeout=180)  # it does not wait for the answer
    assert "make sync" in words and str(project / "outputs" / "spool") in words
    assert run_of(client, local_id).info.status == "RUNNING"
    proxy.delay_s = 0.0
    assert sync(TrackingSettings(uri=proxy.uri)).delivered == (local_id,)
    run = run_of(client, local_id)
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(300)))
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert sync(TrackingSettings(uri=proxy.uri)).words == ()


def test_points_follow_while_the_run_goes_on(proxy: Proxy, client: Any) -> None:
    session, log, _ = _open(proxy)
    record(log, range(10))
    _wait(lambda: steps_of(client, log.run_id or "") == list(range(10)))
    session.close()


def test_the_calls_of_a_run_are_few_and_files_that_arrived_are_not_sent_again(
    proxy: Proxy, client: Any, tmp_path: Path
) -> None:
    session, log, local_id = _open(proxy)
    asked = proxy.requests
    record(log, range(50))
    for name in ("config.yaml", "overrides.yaml", "environment.txt"):
        log.text("content", name)
    log.text("newer", "config.yaml")
    (tmp_path / "files").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "files" / name).write_text(name)
    log.artifact(tmp_path / "files", "kept")
    log.dataset(DatasetInfo("digits", "d1", "sklearn"))
    log.tags({"lrscope.verdict": "trained"})
    log.end("FINISHED")
    assert session.close().words == ""
    calls = [line.split("?")[0].removesuffix(" HTTP/1.1").rpartition("/")[2] for line in proxy.asked[asked:]]
    files = ["a.txt", "b.txt", "config.yaml", "environment.txt", "overrides.yaml"]
    assert sorted(name for name in calls if name in files) == files
    assert sorted(set(calls) - set(files)) == ["artifacts", "get", "log-batch", "log-inputs", "update"]
    assert calls.count("log-batch") <= 2 and calls.count("update") == calls.count("log-inputs") == 1
    # Read back: each batch, each file, and at last the dataset and the status.
    assert calls.count("get") == calls.count("log-batch") + 1 and calls.count("artifacts") == len(files)
    assert calls[-2:] == ["update", "get"]
    run = run_of(client, local_id)
    assert client.download_artifacts(run.info.run_id, "config.yaml", str(tmp_path))
    assert (tmp_path / "config.yaml").read_text() == "newer"
    assert [item.path for item in client.list_artifacts(run.info.run_id, "kept")] == ["kept/a.txt", "kept/b.txt"]
