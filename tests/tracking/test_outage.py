"""A real server behind a proxy that fails: training never waits, and every point arrives once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.tracking import RunLog, Session, TrackingSettings, open_session
from lrscope.tracking.sync import sync
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


def _wait(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)


def _train_through(log: RunLog, first: int, last: int) -> float:
    """The longest single call, in seconds, of a training that measures each 2 ms."""
    longest = 0.0
    for step in range(first, last):
        began = time.monotonic()
        record(log, [step])
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.002)
    return longest


@pytest.mark.parametrize("mode", ["refuse", "hang", "status", "cut request", "cut answer"])
def test_an_outage_while_training_costs_neither_time_nor_points(proxy: Proxy, client: Any, mode: str) -> None:
    session, log, local_id = _open(proxy)
    record(log, range(200))
    proxy.mode = mode
    asked = proxy.requests
    longest = _train_through(log, 200, 400)
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
    assert longest < 0.25


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
    assert time.monotonic() - began < 3
    assert delivery.undelivered == (local_id,)
    assert "make sync" in delivery.words and str(project / "outputs" / "spool") in delivery.words
    assert run_of(client, local_id).info.status == "RUNNING"
    proxy.mode = "pass"
    # A hanging call of the closed session may still hold the spool until it is cut off.
    _wait(lambda: local_id in sync(TrackingSettings(uri=proxy.uri)).delivered)
    run = run_of(client, local_id)
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(100)))
    assert sync(TrackingSettings(uri=proxy.uri)).words == ()


def test_a_slow_server_is_not_an_outage(proxy: Proxy, client: Any) -> None:
    session, log, local_id = _open(proxy, seconds=60)
    proxy.delay_s = 3.0
    assert _train_through(log, 0, 300) < 0.25
    log.end("FINISHED")
    assert session.close().words == ""
    assert session.warnings() == []
    assert steps_of(client, run_of(client, local_id).info.run_id) == list(range(300))


def test_points_follow_within_seconds_while_all_is_well(proxy: Proxy, client: Any) -> None:
    session, log, _ = _open(proxy)
    record(log, range(10))
    _wait(lambda: steps_of(client, log.run_id or "") == list(range(10)), 6)
    session.close()
