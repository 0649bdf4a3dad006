from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.tracking import DatasetInfo, TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def _offline(members: Sequence[str] = ("m1", "m2"), parent: str = "p1", spool: Path = Path("outputs/spool")) -> None:
    session = open_session(TrackingSettings(mode="offline", spool=spool))
    sweep = session.start(start("off", parent, "sweep"))
    for name in members:
        log = session.start(start("off", name, "member", parent, params={"lr": "0.1"}))
        record(log, range(50))
        log.text("x: 1", "config.yaml")
        log.dataset(DatasetInfo("digits", "abc", "sklearn"))
        log.end("FINISHED")
    sweep.text("<p>report</p>", "report/report.html")
    sweep.end("FINISHED")
    assert session.close().undelivered == (parent, *members)


def _everything(root: Path) -> list[Any]:
    client = _client(root)
    experiment = client.get_experiment_by_name("off")
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.run_id"])
    return [
        (
            run.info.run_id,
            run.info.status,
            run.info.end_time,
            sorted(run.data.tags.items()),
            sorted(run.data.params.items()),
            [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run.info.run_id, "train/loss")],
            sorted(item.path for item in client.list_artifacts(run.info.run_id)),
            len(run.inputs.dataset_inputs),
        )
        for run in runs
    ]


def test_an_offline_sweep_becomes_complete_runs_once(store_project: Path) -> None:
    _offline()
    report = sync(TrackingSettings())
    assert set(report.delivered) == {"p1", "m1", "m2"} and report.left == ()
    client = _client(store_project)
    parent = run_of(client, "p1")
    for name in ("m1", "m2"):
        member = run_of(client, name)
        assert member.data.tags["mlflow.parentRunId"] == parent.info.run_id == member.data.tags["lrscope.sweep"]
        assert member.info.status == "FINISHED"
        assert steps_of(client, member.info.run_id) == list(range(50))
        assert [item.path for item in client.list_artifacts(member.info.run_id)] == ["config.yaml"]
    before = _everything(store_project)
    assert sync(TrackingSettings()).words == ()
    assert _everything(store_project) == before


def test_forgetting_how_far_it_came_changes_nothing(store_project: Path) -> None:
    _offline()
    sync(TrackingSettings())
    before = _everything(store_project)
    for offset in store_project.glob("outputs/spool/*/cursor.json"):
        offset.unlink()
    assert len(sync(TrackingSettings()).delivered) == 3
    assert _everything(store_project) == before


def test_two_at_once_double_nothing(store_project: Path) -> None:
    _offline([f"m{k}" for k in range(8)])
    code = """
import os, mlflow.tracking
from lrscope.tracking import TrackingSettings
from lrscope.tracking.delivery.sync import sync
for _ in range(2):
    if os.fork() == 0:
        report = sync(TrackingSettings())
        # One may find a journal in the other's hands; neither fails otherwise.
        os._exit(0 if all("another process" in why for _, why in report.left) and not report.refused else 1)
assert [os.wait()[1] for _ in range(2)] == [0, 0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    sync(TrackingSettings())
    client = _client(store_project)
    assert len(client.search_runs([client.get_experiment_by_name("off").experiment_id])) == 9
    for k in range(8):
        assert steps_of(client, run_of(client, f"m{k}").info.run_id) == list(range(50))


def test_members_that_come_before_their_parent_are_hung_below_it_later(store_project: Path) -> None:
    here, there = store_project / "here", store_project / "there"
    _offline(spool=here)
    there.mkdir()
    (here / "p1").rename(there / "p1")
    assert set(sync(TrackingSettings(spool=here)).delivered) == {"m1", "m2"}
    client = _client(store_project)
    assert "mlflow.parentRunId" not in run_of(client, "m1").data.tags
    sync(TrackingSettings(spool=there))
    assert run_of(client, "m1").data.tags["mlflow.parentRunId"] == run_of(client, "p1").info.run_id


def test_what_was_recorded_for_another_store_stays_until_asked_for(store_project: Path) -> None:
    _offline([])
    events = store_project / "outputs/spool/p1/events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"store":null', b'"store":"http://first:5000"'))
    ((local_id, why),) = sync(TrackingSettings()).left
    assert local_id == "p1" and "http://first:5000" in why
    assert sync(TrackingSettings(), adopt=True).delivered == ("p1",)


def test_an_artifact_that_leads_out_of_its_folder_is_not_sent(store_project: Path) -> None:
    _offline(["m1"])
    secret = store_project / "secret.txt"
    secret.write_text("mine")
    events = store_project / "outputs/spool/m1/events.jsonl"
    for path in ("../../../secret.txt", str(secret)):
        with events.open("a") as file:
            file.write(f'{{"event":"artifact","path":"{path}","folder":""}}\n')
    report = sync(TrackingSettings())
    assert "m1" in report.delivered and len(report.refused) == 2
    client = _client(store_project)
    assert [item.path for item in client.list_artifacts(run_of(client, "m1").info.run_id)] == ["config.yaml"]


def test_an_artifact_that_does_not_go_through_holds_nothing_up_and_comes_later(store_project: Path) -> None:
    """A file lies where the experiment's artifact folder has to be made."""
    _offline(["m1"])
    (store_project / "mlruns").mkdir()
    (store_project / "mlruns" / "off").write_text("in the way")
    report = sync(TrackingSettings())
    assert {local_id for local_id, _ in report.left} == {"p1", "m1"}
    client = _client(store_project)
    run = run_of(client, "m1")
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(50)))
    (store_project / "mlruns" / "off").unlink()
    assert set(sync(TrackingSettings()).delivered) == {"p1", "m1"}
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert sync(TrackingSettings()).words == ()


def test_damaged_lines_are_told_and_the_rest_arrives(store_project: Path) -> None:
    _offline(["m1"])
    events = store_project / "outputs/spool/m1/events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    lines[10] = lines[10][:20] + b"\0\0\0\n"
    events.write_bytes(b"".join(lines))
    report = sync(TrackingSettings())
    assert any("damaged" in words for words in report.refused)
    client = _client(store_project)
    assert len(steps_of(client, run_of(client, "m1").info.run_id)) == 49


def test_pruning_removes_finished_runs_only(store_project: Path) -> None:
    _offline(["m1"])
    session = open_session(TrackingSettings(mode="offline"))
    session.start(start("off", "failed")).end("FAILED")
    session.close()
    sync(TrackingSettings(), prune=True)
    assert [path.name for path in (store_project / "outputs/spool").iterdir()] == ["failed"]


@pytest.mark.parametrize("script", ["sync.py", "reap.py"])
def test_the_commands_say_what_is_wrong_in_one_line(project: Path, script: str) -> None:
    if script == "sync.py":
        _offline(["m1"])
    command = [sys.executable, str(SCRIPTS / script), "--uri", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project)
    assert done.returncode == 2
    assert done.stderr.startswith("error: tracking.uri=http://127.0.0.1:9") and len(done.stderr.splitlines()) == 1
