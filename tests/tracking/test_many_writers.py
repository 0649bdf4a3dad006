"""Many processes at once on one store: all runs complete, every point there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.tracking import TrackingSettings, open_session
from servers import mlflow_server_on

WRITERS = """
import json, os, sys, time, traceback

# Once, then shared by the forked writers: 16 imports would be all that is measured.
import mlflow.tracking
import mlflow.store.tracking.sqlalchemy_store
from sqlalchemy.orm import configure_mappers
from lrscope.tracking import *
from lrscope.tracking.delivery import service_client

configure_mappers()
service_client.LAUNCHES = (service_client.start_thread,)
processes, runs, points, uri = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] or None
apart_s = float(sys.argv[5])


def write(number):
    session = open_session(TrackingSettings(uri=uri, finish_timeout_s=90))
    sweep = session.start(RunStart("many", f"sweep {number}", "sweep", f"p{number}"))
    for member in range(runs):
        log = session.start(RunStart("many", f"lr={member}", "member", f"m{number}-{member}", f"p{number}"))
        for first in range(0, points, 100):
            steps = range(first, first + 100)
            log.points([Point(key, step, step / 3, now_ms()) for step in steps for key in ("train/loss", "lr")])
            time.sleep(0.01)
        log.end("FINISHED")
    sweep.end("FINISHED")
    delivery = session.close()
    session.check()
    words = [*session.warnings(), *filter(None, [delivery.words])]
    if words or delivery.undelivered:
        print(json.dumps([number, words, delivery.undelivered]), flush=True)
    return 0 if not delivery.undelivered else 1


children = {}
for number in range(processes):
    time.sleep(apart_s)
    pid = os.fork()
    if pid == 0:
        code = 9
        try:
            code = write(number)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    children[pid] = number
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in children]
print(json.dumps(codes))
"""


def _write(processes: int, runs: int, points: int, uri: str, apart_s: float = 0.0) -> None:
    command = [sys.executable, "-c", WRITERS, str(processes), str(runs), str(points), uri, str(apart_s)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines and json.loads(lines[-1]) == [0] * processes, done.stdout + done.stderr
    assert "locked" not in done.stdout + done.stderr
    assert lines[:-1] == [] and done.stderr == ""


def _check(uri: str, processes: int, runs: int, points: int) -> None:
    from mlflow.tracking import MlflowClient

    client: Any = MlflowClient(uri)
    experiment = client.get_experiment_by_name("many")
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    assert len(found) == processes * (runs + 1)
    assert {run.info.status for run in found} == {"FINISHED"}
    ids = {run.data.tags["lrscope.local_id"]: run.info.run_id for run in found}
    for run in found:
        if run.data.tags["lrscope.kind"] == "member":
            parent = "p" + run.data.tags["lrscope.local_id"][1:].partition("-")[0]
            assert run.data.tags["mlflow.parentRunId"] == ids[parent]
            assert steps_of(client, run.info.run_id) == list(range(points))


@pytest.mark.long
def test_sixteen_processes_start_on_a_store_that_does_not_exist_yet(project: Path) -> None:
    _write(processes=16, runs=1, points=100, uri="")
    _check(f"sqlite:///{project}/mlflow.db", 16, 1, 100)


@pytest.mark.long
def test_four_sweeps_write_to_one_file_at_once(store_project: Path) -> None:
    _write(processes=4, runs=5, points=2000, uri="")
    _check(f"sqlite:///{store_project}/mlflow.db", 4, 5, 2000)


@pytest.mark.postgres
def test_postgresql_without_a_server_between(postgres: str, project: Path) -> None:
    from mlflow.tracking import MlflowClient

    session = open_session(TrackingSettings(uri=postgres))
    log = session.start(start("direct", "pg1"))
    record(log, range(50))
    log.text("lr: 1", "config.yaml")
    log.end("FINISHED")
    assert session.close().words == "" and session.warnings() == []
    run = run_of(MlflowClient(postgres), "pg1")
    assert steps_of(MlflowClient(postgres), run.info.run_id) == list(range(50))
    assert run.info.artifact_uri == f"file://{project}/mlruns/direct/{run.info.run_id}/artifacts"


@pytest.mark.long
@pytest.mark.postgres
def test_sixteen_processes_on_postgresql_behind_a_server(postgres: str, project: Path) -> None:
    folder = project / "server"
    folder.mkdir()
    with mlflow_server_on(folder, postgres) as server:
        # Commands that load their libraries themselves are further apart; asked by 16 in one moment, a server on two
        # cores may take longer for its first answer than a command waits for it.
        _write(processes=16, runs=1, points=200, uri=server.uri, apart_s=0.5)
        _check(server.uri, 16, 1, 200)
