"""The journal's disk is full: a limit on the size of files stands for it; the store is a server, and has room."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path

from recorded_runs import run_of, steps_of

from servers import Server

WRITER = """
import json, resource, signal, sys, time
from lrscope.tracking import *

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
uri, local_id, later = sys.argv[1:]
session = open_session(TrackingSettings(uri=uri, finish_timeout_s=20))
log = session.start(RunStart("full", "n", "run", local_id), wait=True)
points = lambda steps: [log.points([Point("train/loss", step, step / 3, now_ms())]) for step in steps]
points(range(100))
session.flush()
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
began = time.monotonic()
points(range(100, 2000))
took = time.monotonic() - began
session.flush()
deadline = time.monotonic() + 120
warnings = session.warnings()
while not warnings and time.monotonic() < deadline:
    time.sleep(0.1)
    warnings += session.warnings()
if later == "room":
    while not (log.folder / "incomplete").exists() and time.monotonic() < deadline:
        time.sleep(0.1)  # until points have gone to the store past the journal
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    points(range(2000, 2100))
log.end("FAILED")
delivery = session.close()
warnings += session.warnings()
print(json.dumps([took, warnings, delivery.words, delivery.undelivered]))
"""


def _write(server: Server, later: str) -> tuple[str, float, list[str], str, list[str]]:
    local_id = uuid.uuid4().hex
    command = [sys.executable, "-c", WRITER, server.uri, local_id, later]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took, warnings, words, undelivered = json.loads(done.stdout)
    return local_id, took, warnings, words, undelivered


def test_points_go_straight_to_the_store_and_the_user_is_told(mlflow_server: Server, project: Path) -> None:
    from mlflow.tracking import MlflowClient

    local_id, took, warnings, words, undelivered = _write(mlflow_server, "full")
    client = MlflowClient(mlflow_server.uri)
    run = run_of(client, local_id)
    assert steps_of(client, run.info.run_id) == list(range(2000))
    assert run.info.status == "FAILED"
    assert took < 60  # a call that waited for the disk would take a second each time: half an hour
    assert len(warnings) == 1 and str(project / "outputs" / "spool") in warnings[0]
    assert (words, undelivered) == ("", [])


def test_when_there_is_room_again_the_spool_goes_on_and_a_resume_knows_all(
    mlflow_server: Server, project: Path
) -> None:
    from mlflow.tracking import MlflowClient

    from lrscope.tracking import TrackingSettings, open_session

    local_id, _, warnings, words, _ = _write(mlflow_server, "room")
    assert len(warnings) == 2 and words == ""
    client = MlflowClient(mlflow_server.uri)
    assert steps_of(client, run_of(client, local_id).info.run_id) == list(range(2100))
    session = open_session(TrackingSettings(uri=mlflow_server.uri))
    log = session.reopen(local_id)
    assert log.last_step("train/loss") == 2099
    session.close()
    assert (project / "outputs" / "spool" / local_id / "incomplete").exists()
