from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from recorded_runs import run_of, start, steps_of

from lrscope.core.errors import InputError
from lrscope.core.paths import resolve
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.service import StoreService
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.liveness.heartbeat import Heartbeat
from lrscope.tracking.liveness.process import this_process
from lrscope.tracking.liveness.reap import reap
from lrscope.tracking.mlflow_store.state_tag import folded
from lrscope.tracking.mlflow_store.store import Store, open_store, resolve_uri

WRITER = """
import time
from lrscope.tracking import *
session = open_session(TrackingSettings())
sweep = session.start(RunStart("dead", "lr x 2", "sweep", "sweep1"))
log = session.start(RunStart("dead", "lr=1", "member", "member1", "sweep1"), wait=True)
log.points([Point("train/loss", step, 0.5, now_ms()) for step in range(100)])
session.flush()
print("ready", flush=True)
time.sleep(600)
"""


def _dead_sweep() -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)


def _store() -> Store:
    return open_store(resolve_uri(None))


Form = Callable[[dict[str, str]], dict[str, str]]
FORMS: dict[str, Form] = {"today": lambda tags: folded(tags, {}), "an earlier version, with a tag for each": dict}
"""How the tags of a run lie in the store."""


@pytest.fixture(params=list(FORMS))
def form(request: pytest.FixtureRequest) -> Form:
    return FORMS[request.param]


def _claim(form: Form, store: Store, experiment: str, silent_s: float, **process: str) -> str:
    """A RUNNING run that says it belongs to the given process."""
    tags = {**this_process().to_tags(), **{f"lrscope.process.{name}": value for name, value in process.items()}}
    tags |= {"lrscope.heartbeat": str(int(time.time() - silent_s)), "lrscope.session": "s", "lrscope.local_id": "x"}
    return str(store.client.create_run(store.experiment_id(experiment), tags=form(tags)).info.run_id)


def _status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


@pytest.mark.usefixtures("store_project")
def test_the_next_session_marks_what_a_killed_process_left_and_delivers_it() -> None:
    _dead_sweep()
    client = _store().client
    assert run_of(client, "member1").info.status == "RUNNING"
    session = open_session(TrackingSettings())
    log = session.start(start("alive", "a1"), wait=True)
    deadline = time.monotonic() + 120

    def done() -> bool:
        points = steps_of(client, run_of(client, "member1").info.run_id)
        return len(points) == 100 and {run_of(client, name).info.status for name in ("sweep1", "member1")} == {"KILLED"}

    while not done() and time.monotonic() < deadline:
        time.sleep(0.1)
    for local_id in ("sweep1", "member1"):
        run = run_of(client, local_id)
        assert run.info.status == "KILLED"
        assert run.info.start_time <= run.info.end_time <= time.time() * 1000
    assert steps_of(client, run_of(client, "member1").info.run_id) == list(range(100))
    assert run_of(client, "a1").info.status == "RUNNING"
    log.end("FINISHED")
    session.close()
    assert any("KILLED" in words for words in session.warnings())


@pytest.mark.usefixtures("store_project")
def test_a_dead_process_is_marked_even_where_its_spool_is_gone(form: Form) -> None:
    store = _store()
    gone = _claim(form, store, "e", 0, started="1")
    alive = _claim(form, store, "e", 100_000)
    reaped = reap(TrackingSettings())
    assert (_status(store, gone), _status(store, alive)) == ("KILLED", "RUNNING")
    assert len(reaped.gone) == 1 and reaped.doubtful == ()


@pytest.mark.usefixtures("store_project")
def test_a_run_that_ended_while_the_store_was_away_is_not_called_killed() -> None:
    code = WRITER.replace("session.flush()", 'log.end("FINISHED"); session.flush()')
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)
    reap(TrackingSettings())
    store = _store()
    assert run_of(store.client, "sweep1").info.status == "KILLED"
    assert run_of(store.client, "member1").info.status in ("RUNNING", "FINISHED")
    sync(TrackingSettings())
    assert run_of(store.client, "member1").info.status == "FINISHED"
    assert run_of(store.client, "sweep1").info.status == "KILLED"


@pytest.mark.usefixtures("store_project")
def test_what_cannot_be_known_is_listed_after_ten_minutes_and_marked_on_request(form: Form) -> None:
    store = _store()
    fresh = _claim(form, store, "e", 500, machine="other")
    silent = _claim(form, store, "e", 700, machine="other")
    also = _claim(form, store, "e", 7000, boot="before")
    reaped = reap(TrackingSettings())
    assert {run.run_id for run in reaped.doubtful} == {silent, also} and reaped.marked == ()
    assert _status(store, silent) == "RUNNING"
    for unknown, said in ((fresh, "no silent run has this id"), (also[:3], "is too short")):
        with pytest.raises(InputError, match=said):
            reap(TrackingSettings(), mark=True, only=[also, unknown])
    assert _status(store, also) == "RUNNING", "nothing is marked by half of what was asked"
    assert reap(TrackingSettings(), mark=True, only=[also[:9]]).marked == (also,)
    assert (_status(store, silent), _status(store, also)) == ("RUNNING", "KILLED")
    assert reap(TrackingSettings(), mark=True).marked == (silent,)
    assert (_status(store, silent), _status(store, fresh)) == ("KILLED", "RUNNING")
    ended = store.client.get_run(silent).info.end_time
    # The last sign of life, but not before the start (which was a moment ago).
    assert ended == store.client.get_run(silent).info.start_time


@pytest.mark.usefixtures("store_project")
def test_runs_of_other_programs_are_left_alone() -> None:
    store = _store()
    run_id = store.client.create_run(store.experiment_id("e")).info.run_id
    reaped = reap(TrackingSettings(), mark=True)
    assert (reaped.gone, reaped.doubtful, _status(store, run_id)) == ((), (), "RUNNING")


@pytest.mark.usefixtures("store_project")
def test_a_live_run_that_was_marked_sets_itself_running_again() -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("wrong", "w1"), wait=True)
    other = session.start(start("wrong", "w2"), wait=True)
    other.end("KILLED")
    assert session.drain(120)
    assert log.run_id is not None and other.run_id is not None
    store = _store()
    service = StoreService(resolve_uri(None), resolve("spool"), took_over=False, progressed=lambda: None)
    store.client.set_terminated(log.run_id, "KILLED")
    tags: Any = store.client.get_run(log.run_id).data.tags
    store.client.set_tag(log.run_id, "lrscope.heartbeat", "0")
    began = int(time.time())
    Heartbeat(partial(service.beat, tags["lrscope.session"]), service.revive, every_s=0.0).beat([log, other])
    assert (_status(store, log.run_id), _status(store, other.run_id)) == ("RUNNING", "KILLED")
    beat = int(store.client.get_run(log.run_id).data.tags["lrscope.heartbeat"])
    assert began <= beat <= time.time()
    session.close()
