"""The service's process: it keeps MLflow out of the training's, and neither outlives its session nor is missed."""

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
import json, os, signal, subprocess, sys, threading, time
from pathlib import Path
from lrscope.tracking import *
from lrscope.tracking.delivery.service import StoreService
def points(first, last):
    log.points([Point("train/loss", step, step / 3, now_ms()) for step in range(first, last)])
def service():
    return session._uploader.service.ask(StoreService.call, os.getpid)  # however long it takes to begin
def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
def tell(**what):
    print(json.dumps(what), flush=True)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
session = open_session(TrackingSettings(uri=sys.argv[1], finish_timeout_s=float(sys.argv[2])))
log = session.start(RunStart("service", "n", "run", "service1", params={"lr": "1"}), wait=True)
points(0, 500)
"""
"""A session in a process that has a second thread, and no file of its own, as a notebook's."""


STUBBORN = """
def break_uploads_of_b():
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
    put = HttpArtifactRepository.log_artifact
    def stubborn(self, local_file, artifact_path=None):
        if local_file.endswith("b.txt"):
            raise ConnectionError("cut off")
        put(self, local_file, artifact_path)
    HttpArtifactRepository.log_artifact = stubborn
"""
"""A module for the service to import."""


def _start(script: str, uri: str, finish_timeout_s: float = 30) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BEGIN + script, uri, str(finish_timeout_s)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert errors == ""
    return json.loads(output)


def _client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)


def _gone(pid: int, within_s: float = 120) -> bool:
    """Whether the process ends by itself."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.05)
    return False


def test_the_process_that_trains_never_imports_mlflow(store_project: Path) -> None:
    """Nor do the signals of a terminal, which reach every process, stop the one that delivers: that is the session's to
    decide.
    """
    uri = f"sqlite:///{store_project}/mlflow.db"
    told = _told(
        _start(
            """
before = service()
for number in (signal.SIGINT, signal.SIGTERM):
    os.kill(before, number)
same = service() == before != os.getpid()
alone = os.getsid(before) != os.getsid(0)
log.end("FINISHED")
words = session.close().words
tell(same=same, alone=alone, words=words, loaded=[name for name in ("mlflow", "sqlalchemy") if name in sys.modules],
     gone=gone(before), warnings=session.warnings())
""",
            uri,
        )
    )
    assert told == {"same": True, "alone": True, "words": "", "loaded": [], "gone": True, "warnings": []}
    run = run_of(_client(uri), "service1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("FINISHED", list(range(500)))


@pytest.mark.parametrize("deaths", [pytest.param(1, marks=pytest.mark.long), 2])
def test_when_it_is_killed_another_takes_over(store_project: Path, deaths: int) -> None:
    """The second time it is a thread of the session's process: whatever kills processes there may do so again."""
    uri = f"sqlite:///{store_project}/mlflow.db"
    told = _told(
        _start(
            f"""
pids, warnings = [service()], []
for death in range({deaths}):
    os.kill(pids[-1], signal.SIGKILL)
    points(500 * (death + 1), 500 * (death + 2))
    session.flush()
    while not warnings[death:]:
        warnings += session.warnings()
        time.sleep(0.05)
    pids.append(service())
log.end("FINISHED")
tell(words=session.close().words, warnings=warnings + session.warnings(), different=len(set(pids)),
     here=pids[-1] == os.getpid(), gone=[gone(pid) for pid in pids[:-1]], answer=session.call_in_service(abs, -1))
""",
            uri,
        )
    )
    assert (told["words"], told["answer"], told["gone"]) == ("", 1, [True] * deaths)
    assert (told["different"], told["here"]) == (deaths + 1, deaths == 2)
    assert len(told["warnings"]) == deaths
    assert all("process that delivers has ended" in warning for warning in told["warnings"])
    client = _client(uri)
    run = run_of(client, "service1")
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(500 * (deaths + 1))))
    assert len(client.search_runs([run.info.experiment_id])) == 1


def test_where_there_can_be_no_other_process_the_same_service_is_a_thread(store_project: Path) -> None:
    uri = f"sqlite:///{store_project}/mlflow.db"
    script = BEGIN.replace("session = open", "sys.executable = ''\nsession = open")
    script += """
log.end("FINISHED")
here = service() == os.getpid()
tell(here=here, words=session.close().words, warnings=session.warnings())
"""
    command = [sys.executable, "-c", script, uri, "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"here": True, "words": "", "warnings": []}
    run = run_of(_client(uri), "service1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("FINISHED", list(range(500)))


@pytest.mark.parametrize("when", ["idle", "asked"])
def test_it_ends_with_its_session_and_holds_no_lock_behind_it(store_project: Path, when: str) -> None:
    uri = f"sqlite:///{store_project}/mlflow.db"
    ask = "threading.Thread(target=session.call_in_service, args=(time.sleep, 60)).start()\n" if when == "asked" else ""
    process = _start(f"pid = service()\nsession.flush()\n{ask}time.sleep(1)\ntell(service=pid)\ntime.sleep(60)", uri)
    assert process.stdout is not None
    pid = json.loads(process.stdout.readline())["service"]
    assert not _gone(pid, within_s=0)
    process.kill()
    process.communicate(timeout=60)
    assert _gone(pid)
    settings = TrackingSettings(uri=uri, spool=store_project / "outputs" / "spool")
    sync(settings)
    run = run_of(_client(uri), "service1")
    assert (run.info.status, steps_of(_client(uri), run.info.run_id)) == ("KILLED", list(range(500)))


@pytest.mark.usefixtures("project")
def test_an_artifact_that_does_not_go_through_holds_up_nothing_there_either(
    mlflow_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The put-off event is appended by the session's process, and sent by a later ``sync``."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    told = _told(
        _start(
            f"""
from stubborn import break_uploads_of_b
session.call_in_service(break_uploads_of_b)
for name in ("a.txt", "b.txt", "c.txt"):
    path = Path({str(tmp_path)!r}) / name
    path.write_text(name)
    log.artifact(path)
log.end("FINISHED")
delivery = session.close()
tell(left=delivery.undelivered, warnings=session.warnings())
""",
            mlflow_server.uri,
            finish_timeout_s=2,
        )
    )
    assert told["left"] == ["service1"] and len(told["warnings"]) == 1
    client = _client(mlflow_server.uri)
    run = run_of(client, "service1")
    assert run.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "c.txt"]
    assert sync(TrackingSettings(uri=mlflow_server.uri)).delivered == ("service1",)
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "b.txt", "c.txt"]


def test_what_cannot_be_called_there_is_called_here(store_project: Path) -> None:
    """A function of a notebook, which the process cannot import; one that fails there too; one whose result cannot
    travel. And one that was given up, as when a second Ctrl-C comes while the report is made: its answer still arrives,
    and is taken for no other.
    """
    told = _told(
        _start(
            """
def made_here():
    return os.getpid()
def failing():
    raise ZeroDivisionError("as it should")
class Interrupted(BaseException): ...
def interrupt(number, frame):
    raise Interrupted
pid = service()
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.5)
given_up = False
try:
    session.call_in_service(time.sleep, 1)
except Interrupted:
    given_up = True
try:
    session.call_in_service(failing)
except ZeroDivisionError as error:
    words = str(error)
tell(given_up=given_up, here=session.call_in_service(made_here) == os.getpid(), words=words,
     there=service() == pid, warnings=session.warnings(),
     unsendable=type(session.call_in_service(threading.Lock)).__name__)
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
def test_a_slow_store_holds_no_call_up(proxy: Proxy) -> None:
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
here = session.call_in_service(os.getpid) == os.getpid()
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
    assert told["here"] and told["seconds"] < 20
    proxy.delay_s = 0
    assert sync(TrackingSettings(uri=proxy.uri)).delivered == ("service1",)


def test_a_session_that_gives_up_ends_it_once_and_whoever_waits_for_it_is_told(store_project: Path) -> None:
    """The thread that delivers waits for a slow store while the session's patience ends: neither may bring up an error
    of a pipe that was closed under it, nor begin to deliver in this process.
    """
    told = _told(
        _start(
            """
client, ends, errors = session._uploader.service, [], []
pid = service()
threading.excepthook = lambda args: errors.append(repr(args.exc_value))
def wait_for_it():
    try:
        client.call(time.sleep, 60)
    except Exception as error:
        ends.append(type(error).__name__)
session.flush()
waiting = [threading.Thread(target=wait_for_it) for _ in range(2)]
for thread in waiting:
    thread.start()
time.sleep(0.5)
began = time.monotonic()
closing = [threading.Thread(target=client.close) for _ in range(3)]
for thread in closing:
    thread.start()
for thread in (*closing, *waiting):
    thread.join()
tell(ends=ends, errors=errors, gone=gone(pid), loaded="mlflow" in sys.modules, quick=time.monotonic() - began < 30,
     warnings=session.warnings())
session.close()
""",
            f"sqlite:///{store_project}/mlflow.db",
            finish_timeout_s=0.5,
        )
    )
    ended = {"ends": ["ServiceGone", "ServiceGone"], "errors": [], "gone": True}
    assert told == ended | {"loaded": False, "quick": True, "warnings": []}
