"""The disk under a local store is full: a small file system of the test's own holds it, the journal has room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import run_of, steps_of, values_of

from lrscope.core.errors import StoreUnreachable
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync

STEPS = 20_000
ROOM = 400
"""Kilobytes left beside the empty store; the points take megabytes."""

WRITER = """
import json, sys, time
from lrscope.tracking import *

uri, local_id, steps = sys.argv[1:]
session = open_session(TrackingSettings(uri=uri, finish_timeout_s=4))
log = session.start(RunStart("full", "n", "run", local_id), wait=True)
longest, warnings, last = 0.0, [], 0.0
for step in range(int(steps)):
    began = time.monotonic()
    log.points([Point("train/loss", step, step / 3, now_ms())])
    longest = max(longest, time.monotonic() - began)
    if step % 100 == 0:
        time.sleep(0.02)
        warnings += session.warnings()
log.text("lr: 1", "config.yaml")
log.end("FINISHED")
delivery = session.close()
session.check()
print(json.dumps([longest, warnings + session.warnings(), delivery.words, delivery.undelivered]))
"""


@pytest.fixture
def small_disk(tmp_path: Path, fresh_database: Path) -> Iterator[Path]:
    """A folder on a disk of the size of an empty store and ``ROOM``."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = fresh_database.stat().st_size // 1024 + ROOM
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "lrscope-test", str(disk)]
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small file system that is to be full")
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {getattr(error, 'stderr', error)}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(disk: Path) -> None:
    target = os.open(disk / "filling", os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError, match="No space"):
        while True:
            os.write(target, bytes(4096))
    os.close(target)


def _enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_is_full_from_the_start_is_said_and_breaks_nothing(
    small_disk: Path, fresh_database: Path, begun: bool
) -> None:
    if begun:
        shutil.copy(fresh_database, small_disk / "mlflow.db")
        _fill(small_disk)
    else:
        (small_disk / "taken").write_bytes(bytes(int(fresh_database.stat().st_size * 0.8)))
    settings = TrackingSettings(uri=f"sqlite:///{small_disk}/mlflow.db")
    session = open_session(settings)
    with pytest.raises(StoreUnreachable, match="full"):
        session.open()
    session.close()
    assert begun or sorted(path.name for path in small_disk.iterdir()) == ["mlflow.db.lock", "taken"]
    _enlarge(small_disk)
    session = open_session(settings)
    session.open()
    assert session.close().words == ""


@pytest.mark.long
@pytest.mark.usefixtures("project")
def test_training_goes_on_and_the_points_wait_for_room(small_disk: Path, fresh_database: Path) -> None:
    from mlflow.tracking import MlflowClient

    shutil.copy(fresh_database, small_disk / "mlflow.db")
    local_id = uuid.uuid4().hex
    uri = f"sqlite:///{small_disk}/mlflow.db"
    command = [sys.executable, "-c", WRITER, uri, local_id, str(STEPS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    longest, warnings, words, undelivered = json.loads(done.stdout)
    assert longest < 4  # seconds: what a call that waited for the store would take at least
    assert [warning for warning in warnings if "full" in warning] == warnings and len(warnings) == 1, warnings
    assert str(uri) in warnings[0] and "Training goes on" in warnings[0]
    assert undelivered == [local_id] and "make sync" in words
    assert done.stderr == ""

    still_full = sync(TrackingSettings(uri=uri))
    assert still_full.delivered == () and "full" in still_full.left[0][1]

    _enlarge(small_disk)
    assert sync(TrackingSettings(uri=uri)).delivered == (local_id,)
    client: Any = MlflowClient(uri)
    run = run_of(client, local_id)
    assert run.info.status == "FINISHED"
    assert steps_of(client, run.info.run_id) == list(range(STEPS))
    assert values_of(client, run.info.run_id) == {step: step / 3 for step in range(STEPS)}
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert sync(TrackingSettings(uri=uri)).words == ()
