"""The process that delivers: it keeps MLflow out of the training's, and neither outlives its session nor is missed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import run_of, steps_of

from lrscope.tracking import TrackingSettings
from lrscope.tracking.delivery.sync import sync
from servers import Proxy, Server

BEGIN = """
import json, os, signal, sys, threading, time
from pathlib import Path
from lrscope.tracking import *
def break_uploads_of_b():
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
    put = HttpArtifactRepository.log_artifact
    def stubborn(self, local_file, artifact_path=None):
        if local_file.endswith("b.txt"):
            raise ConnectionError("cut off")
        put(self, local_file, artifact_path)
    HttpArtifactRepository.log_artifact = stubborn
session = open_session(TrackingSettings(uri=sys.argv[1], finish_timeout_s=float(sys.argv[2])))
log = session.start(RunStart("service", "n", "run", "desk1", params={"lr": "1"}), wait=True)
def points(first, last):
    log.points([Point("train/loss", step, step / 3, now_ms()) for step in range(first, last)])
def children():
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            pass  # a thread that has ended since; whoever forked is still there
    return found
def tell(**what):
    print(json.dumps(what), flush=True)
points(0, 500)
"""
"""A session in a process that had one thread, as a command has when it begins."""


def _start(script: str, uri: str, finish_timeout_s: float = 30) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BEGIN + script, uri, str(finish_timeout_s)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return json.loads(output)


def _client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)


def _gone(pid: int, within_s: float = 120) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.05)
    return False


pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2, reason="it is made on Linux, on two cores"
)


def test_the_process_that_trains_never_imports_mlflow(store_project: Path) -> None:
    """Nor do the signals of a terminal, which reach every process, stop the one that delivers: that is the session's to
    decide.
    """
    uri = f"sqlite:///{store_project}/mlflow.db"
    told = _told(
        _start(
            """
for number in (signal.SIGINT, signal.SIGTERM):
    os.kill(children()[0], number)
inside = session.aside(os.getpid) != os.getpid()
log.end("FINISHED")
words = session.close().words
tell(inside=inside, words=words, loaded=[name for name in ("mlflow", "sqlalchemy") if name in sys.modules],
     left=children(), warnings=session.warnings())
""",
            uri,
        )
    )
    assert told == {"inside": True, "words": "", "loaded": [], "left": [], "warnings": []}
    run = run_of(_client(uri), "desk1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("FINISHED", list(range(500)))


def test_when_it_is_killed_the_session_delivers_by_itself(store_project: Path) -> None:
    uri = f"sqlite:///{store_project}/mlflow.db"
    told = _told(
        _start(
            """
os.kill(children()[0], signal.SIGKILL)
points(500, 1000)
log.end("FINISHED")
tell(words=session.close().words, warnings=session.warnings(), answer=session.aside(abs, -1))
""",
            uri,
        )
    )
    assert (told["words"], told["answer"]) == ("", 1)
    assert len(told["warnings"]) == 1 and "process that delivers has ended" in told["warnings"][0]
    run = run_of(_client(uri), "desk1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("FINISHED", list(range(1000)))


def test_it_ends_with_its_session_and_holds_no_lock_behind_it(store_project: Path) -> None:
    uri = f"sqlite:///{store_project}/mlflow.db"
    process = _start("session.flush()\ntell(child=children()[0])\ntime.sleep(600)", uri)
    assert process.stdout is not None
    child = json.loads(process.stdout.readline())["child"]
    process.kill()
    process.communicate(timeout=120)
    assert _gone(child)
    settings = TrackingSettings(uri=uri, spool=store_project / "outputs" / "spool")
    sync(settings)
    run = run_of(_client(uri), "desk1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("KILLED", list(range(500)))


@pytest.mark.usefixtures("project")
def test_an_artifact_that_does_not_go_through_holds_up_nothing_there_either(mlflow_server: Server) -> None:
    """The put-off event is appended by the session's process, and sent by a later ``sync``."""
    told = _told(
        _start(
            """
session.aside(break_uploads_of_b)
for name in ("a.txt", "b.txt", "c.txt"):
    file = Path(os.environ["LRSCOPE_ROOT"]) / name
    file.write_text(name)
    log.artifact(file)
log.end("FINISHED")
delivery = session.close()
tell(left=delivery.undelivered, warnings=session.warnings())
""",
            mlflow_server.uri,
            finish_timeout_s=2,
        )
    )
    assert told["left"] == ["desk1"] and len(told["warnings"]) == 1
    client = _client(mlflow_server.uri)
    run = run_of(client, "desk1")
    assert run.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "c.txt"]
    assert sync(TrackingSettings(uri=mlflow_server.uri)).delivered == ("desk1",)
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "b.txt", "c.txt"]


def test_what_cannot_be_called_there_is_called_here(store_project: Path) -> None:
    """A function made after the fork, which the process never heard of; one that fails there too; one whose result
    cannot travel. And one that was given up, as when a second Ctrl-C comes while the report is made: its answer still
    arrives, and is taken for no other.
    """
    told = _told(
        _start(
            """
def made_later():
    return os.getpid()
def failing():
    raise ZeroDivisionError("as it should")
class Interrupted(BaseException): ...
def interrupt(number, frame):
    raise Interrupted
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.5)
given_up = False
try:
    session.aside(time.sleep, 3)
except Interrupted:
    given_up = True
try:
    session.aside(failing)
except ZeroDivisionError as error:
    words = str(error)
tell(given_up=given_up, here=session.aside(made_later) == os.getpid(), words=words,
     there=session.aside(os.getpid) == children()[0], unsendable=type(session.aside(threading.Lock)).__name__,
     warnings=session.warnings())
session.close()
""",
            f"sqlite:///{store_project}/mlflow.db",
        )
    )
    assert told == {
        "here": True,
        "words": "as it should",
        "there": True,
        "unsendable": "lock",
        "warnings": [],
        "given_up": True,
    }


@pytest.mark.usefixtures("project")
def test_a_slow_store_holds_no_aside_up(proxy: Proxy) -> None:
    """While a delivery takes its time, what the training asks for is done in its own process."""
    process = _start(
        """
tell(ready=True)
sys.stdin.readline()
points(500, 1000)
log.end("FINISHED")
session.flush()
time.sleep(2)
began = time.monotonic()
here = session.aside(os.getpid) == os.getpid()
tell(here=here, seconds=time.monotonic() - began)
os._exit(0)
""",
        proxy.uri,
    )
    with process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        proxy.delay_s = 60
        process.stdin.write("\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
    assert told["here"] and told["seconds"] < 50
    proxy.delay_s = 0
    assert sync(TrackingSettings(uri=proxy.uri)).delivered == ("desk1",)


def test_a_session_that_gives_up_ends_it_once_and_whoever_waits_for_it_is_told(store_project: Path) -> None:
    """The thread that delivers waits for a slow store while the session's patience ends: neither may bring up an error
    of a pipe that was closed under it, nor begin to deliver in this process.
    """
    told = _told(
        _start(
            """
service, ends, errors = session._courier.service, [], []
threading.excepthook = lambda args: errors.append(repr(args.exc_value))
def wait_for_it():
    try:
        service.aside(time.sleep, 60)
    except Exception as error:
        ends.append(type(error).__name__)
session.flush()
waiting = [threading.Thread(target=wait_for_it) for _ in range(2)]
for thread in waiting:
    thread.start()
time.sleep(0.5)
began = time.monotonic()
closing = [threading.Thread(target=service.close) for _ in range(3)]
for thread in closing:
    thread.start()
for thread in (*closing, *waiting):
    thread.join()
tell(ends=ends, errors=errors, left=children(), loaded="mlflow" in sys.modules, quick=time.monotonic() - began < 50,
     warnings=session.warnings())
session.close()
""",
            f"sqlite:///{store_project}/mlflow.db",
            finish_timeout_s=0.5,
        )
    )
    ended = {"ends": ["DeskGone", "DeskGone"], "errors": [], "left": []}
    assert told == ended | {"loaded": False, "quick": True, "warnings": []}
