"""``lrscope clean``: what is listed is what is removed, and nothing else."""

from __future__ import annotations

import getpass
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from registered import give_model, sweep_with_models, with_losses

from lrscope.cli.commands.entry import run
from lrscope.lifecycle.clean_up import plan, remove
from lrscope.lifecycle.old_runs import Asked
from lrscope.report.data.collect import collect_sweep
from lrscope.report.data.connect import connect_store
from lrscope.report.output.report import report_of
from lrscope.tracking import Point, RunStart, TrackingSettings, now_ms, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.mlflow_store.registry import add_version
from lrscope.tracking.mlflow_store.remove import CLEANED
from lrscope.tracking.mlflow_store.store import quiet
from servers import Server
from stored_sweeps import diverged

DAY_MS = 86_400_000


@pytest.fixture
def uri(store_project: Path) -> str:
    return f"sqlite:///{store_project / 'mlflow.db'}"


def ended(uri: str, days: float, *run_ids: str) -> None:
    """Let runs have ended so many days ago."""
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        for run_id in run_ids:
            end = int(1000 * time.time() - days * DAY_MS)
            times = "UPDATE runs SET start_time = ?, end_time = CASE WHEN end_time IS NULL THEN NULL ELSE ? END"
            database.execute(f"{times} WHERE run_uuid = ?", (end - 60_000, end, run_id))


def lone(uri: str, days: float, status: str = "FINISHED", size: int = 1000, **tags: str) -> str:
    """A lone run with one artifact of so many bytes."""
    client = MlflowClient(uri)
    named = {"lrscope.kind": "run", **{f"lrscope.{key}": value for key, value in tags.items()}}
    made = client.create_run(client.search_experiments()[0].experiment_id, run_name="lone", tags=named)
    client.log_text(made.info.run_id, "x" * size, "notes/x.txt")
    if status != "RUNNING":
        client.set_terminated(made.info.run_id, status)
    ended(uri, days, made.info.run_id)
    return str(made.info.run_id)


def stored(uri: str) -> set[str]:
    """Every run that the tables have, deleted ones included."""
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database:
        return {run_id for (run_id,) in database.execute("SELECT run_uuid FROM runs")}


def listed(out: str) -> dict[str, str]:
    """The line of the table by the id of its run."""
    return {found[0]: line for line in out.splitlines() if (found := re.search(r"\b[0-9a-f]{32}\b", line))}


@pytest.mark.long
def test_what_is_listed_is_what_is_removed(uri: str, store_project: Path) -> None:
    """In fresh processes, as it is typed: three members of which the second is best, lone runs of all sorts."""
    losses = [with_losses(0.01, 0, 1.5, 1.2, 1.0), with_losses(0.1, 0, 1.0, 0.8, 0.5), diverged(10.0, 0)]
    parent, (worse, best, failed) = sweep_with_models(uri, losses)
    ended(uri, 40, parent, worse, best, failed)
    young, young_members = sweep_with_models(uri, losses[:2])
    ended(uri, 40, young, young_members[0])
    ended(uri, 20, young_members[1])
    old, registered = lone(uri, 31, size=250_000), lone(uri, 60)
    client = MlflowClient(uri)
    with quiet():
        add_version(client, "digits", give_model(uri, registered), registered, {}, "")
    found = lone(uri, 90, kind="find")
    ended(uri, 5, lone(uri, 5, found_by=found))
    lone(uri, 90, "RUNNING"), lone(uri, 90, "KILLED"), lone(uri, 29.9)
    foreign = str(client.create_run("0").info.run_id)
    client.set_terminated(foreign)
    ended(uri, 400, foreign)
    before = stored(uri)
    script = Path(__file__).parents[2] / "scripts" / "clean.py"

    def clean(*words: str) -> str:
        command = [sys.executable, str(script), "--older-than", "30d", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = clean("--keep", "best,registered", "--dry-run")
    going = listed(said)
    assert going.keys() == {old, worse, failed} and list(going)[-1] == old, "the oldest first"
    assert "lone" in going[old] and " 31 d " in going[old] and " 0.2 MB" in going[old]
    (model,) = (store_project / "mlruns" / "models").glob(f"{_model(uri, worse)}/artifacts")
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    assert f" {size / 1000:.1f} kB" in going[worse]
    assert "stay: 1 not ended" in said and "stay: 1 interrupted, and could go on" in said
    assert "stay: 2 best of their sweep" in said and "stay: 1 registered" in said, "the member, and its parent"
    assert "stay: 1 needed by runs that stay" in said and "--dry-run" in said and "3 runs, artifacts" in said
    assert stored(uri) == before

    said = clean("--yes")
    assert listed(said).keys() == going.keys() and "3 runs removed for good" in said
    assert before - stored(uri) == going.keys()
    assert not any((store_project / "mlruns" / run_id).exists() for run_id in going) and not model.parent.exists()
    with quiet():
        network = mlflow.pytorch.load_model(client.get_logged_model(_model(uri, best)).artifact_location)
    assert network is not None
    assert mlflow.artifacts.load_text(f"{client.get_run(registered).info.artifact_uri}/notes/x.txt") == "x" * 1000
    report = report_of(collect_sweep(uri, parent))
    assert report.best is not None and report.best.member.run_id == best
    assert report.gaps == ("2 members were deleted in MLflow.",), "and none is lacking"
    assert "Nothing to clean up" in clean("--yes")


def _model(uri: str, run_id: str) -> str:
    (model,) = MlflowClient(uri).get_run(run_id).outputs.model_outputs
    return str(model.model_id)


def test_a_sweep_goes_as_a_whole(uri: str) -> None:
    parent, members = sweep_with_models(uri, [with_losses(0.01, 0, 1.0, 0.8, 0.5), diverged(10.0, 0)])
    ended(uri, 40, parent, *members)
    killed, foreign = lone(uri, 40, "KILLED"), MlflowClient(uri).create_run("0")
    assert run("clean", ["--older-than", "30d", "--keep", "none", "--yes"]) == 0
    assert stored(uri) == {killed, foreign.info.run_id}
    MlflowClient(uri).set_terminated(foreign.info.run_id)
    ended(uri, 40, foreign.info.run_id)
    assert run("clean", ["--older-than", "4w", "--keep", "none", "--yes", "--interrupted", "--all"]) == 0
    assert not stored(uri)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--older-than", "30"),
        ("--older-than", "0d"),
        ("--older-than", "-1d"),
        ("--older-than", "30d", "--keep", "good"),
        ("--older-than", "30d", "--keep", "none,best"),
        ("--older-than", "30d"),
        ("--older-than", "30d", "--dry-run", "--uri", "sqlite:////nowhere/at/all.db"),
    ],
)
def test_what_cannot_be_done_is_one_line(uri: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """The last but one: without a terminal nobody can be asked."""
    old = lone(uri, 40)
    try:
        code = run("clean", list(words))
    except SystemExit as error:  # argparse, of the word that begins with a dash
        code = int(error.code or 0)
    said = capsys.readouterr()
    assert code == 2 and len([line for line in said.err.splitlines() if "error" in line]) == 1
    assert stored(uri) == {old}


@pytest.mark.parametrize(("typed", "gone"), [("yes", True), ("y", False), ("", False)])
def test_who_is_asked_types_yes(uri: str, typed: str, gone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lone(uri, 40)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    assert run("clean", ["--older-than", "30d"]) == 0
    assert (stored(uri) == set()) is gone


def _recorded(uri: str, local_id: str, steps: int) -> str:
    session = open_session(TrackingSettings(uri=uri))
    log = session.start(RunStart("digits", "lone", "run", local_id), wait=True)
    log.points([Point("train/loss", step, 0.5, now_ms()) for step in range(steps)])
    (log.folder / "checkpoints").mkdir()
    (log.folder / "checkpoints" / "last.ckpt").write_bytes(b"x" * 300_000)
    log.end("FAILED")
    session.close()
    assert log.run_id is not None
    return log.run_id


def test_a_journal_brings_nothing_back(uri: str, store_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal goes with its run; a copy of it elsewhere, with more than the store had, is told and makes none."""
    run_id, spool = _recorded(uri, "first", 3), store_project / "outputs" / "spool"
    ended(uri, 40, run_id)
    shutil.copytree(spool, store_project / "outputs" / "copy")
    assert run("clean", ["--older-than", "30d", "--keep", "none", "--yes"]) == 0
    assert " 0.3 MB" in listed(capsys.readouterr().out)[run_id]
    assert not (spool / "first").exists() and run_id not in stored(uri)
    events = store_project / "outputs" / "copy" / "first" / "events.jsonl"
    events.write_bytes(events.read_bytes() + events.read_bytes().splitlines(keepends=True)[1])
    report = sync(TrackingSettings(uri=uri, spool=store_project / "outputs" / "copy"))
    assert report.refused == ("first: its records: the run was deleted in the store",)
    assert not stored(uri)


def test_what_is_not_delivered_stays(uri: str, store_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = _recorded(uri, "first", 3)
    ended(uri, 40, run_id)
    events = store_project / "outputs" / "spool" / "first" / "events.jsonl"
    events.write_bytes(events.read_bytes() + events.read_bytes().splitlines(keepends=True)[1])
    assert run("clean", ["--older-than", "30d", "--keep", "none", "--yes"]) == 0
    assert "stay: 1 not wholly delivered" in capsys.readouterr().out and stored(uri) == {run_id}


def test_a_command_that_was_killed_is_made_up_for(uri: str, store_project: Path) -> None:
    """Deleted by it, with the artifacts still there; what a user has deleted is none of its business."""
    cut, by_hand, client = lone(uri, 40), lone(uri, 40), MlflowClient(uri)
    client.set_tag(cut, CLEANED, "true")
    client.delete_run(cut)
    client.delete_run(by_hand)
    assert run("clean", ["--older-than", "30d", "--yes"]) == 0
    assert stored(uri) == {by_hand}
    assert (store_project / "mlruns" / by_hand).exists() or not list(store_project.rglob(f"{cut}/artifacts"))


def test_a_store_names_no_folder_to_remove(uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id, theirs = lone(uri, 40), tmp_path / "mlruns" / "precious"
    theirs.mkdir(parents=True)
    (theirs / "work.txt").write_text("mine")
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE runs SET artifact_uri = ?", (str(theirs),))
    assert run("clean", ["--older-than", "30d", "--yes"]) == 0
    assert "whose artifacts are not where they should be" in capsys.readouterr().out
    assert (theirs / "work.txt").read_text() == "mine" and stored(uri) == {run_id}


def test_a_member_that_is_taken_up_meanwhile_keeps_its_sweep(uri: str, store_project: Path) -> None:
    """Between the listing and the answer."""
    parent, members = sweep_with_models(uri, [with_losses(0.01, 0, 1.0, 0.8, 0.5), diverged(10.0, 0)])
    ended(uri, 40, parent, *members)
    store, spool = connect_store(uri), store_project / "outputs" / "spool"
    found = plan(store, spool, Asked(int(1000 * time.time() - 30 * DAY_MS), best=False))
    assert {old.run.info.run_id for old in found.going} == {parent, *members}
    MlflowClient(uri).update_run(members[0], status="RUNNING")
    told: list[str] = []
    assert remove(store, spool, found.going, told.append) == 1
    assert len(told) == 1 and members[0] in told[0]
    assert stored(uri) == {parent, members[0]}


@pytest.mark.usefixtures("project")
@pytest.mark.long
def test_a_server_deletes_and_removes_by_itself(mlflow_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """And of its runs one's own alone."""
    client = MlflowClient(mlflow_server.uri)
    experiment = client.create_experiment(f"old-{time.time_ns()}")
    ids = []
    for user in (getpass.getuser(), "anna"):
        tags = {"lrscope.kind": "run", "mlflow.user": user}
        made = client.create_run(experiment, tags=tags, start_time=int(1000 * time.time() - 5001 * DAY_MS))
        client.log_text(made.info.run_id, "x" * 5000, "notes/x.txt")
        client.set_terminated(made.info.run_id, end_time=int(1000 * time.time() - 5000 * DAY_MS))
        ids.append(made.info.run_id)
    words = ["--older-than", "4000d", "--yes", "--uri", mlflow_server.uri]
    assert run("clean", words) == 0
    said = capsys.readouterr().out
    assert listed(said).keys() == {ids[0]} and " 5.0 kB" in listed(said)[ids[0]]
    assert "The server keeps them until `mlflow gc` is called beside it." in said
    assert [client.get_run(one).info.lifecycle_stage for one in ids] == ["deleted", "active"]
    assert run("clean", [*words, "--everyone"]) == 0
    assert client.get_run(ids[1]).info.lifecycle_stage == "deleted"
    assert run("clean", [*words, "--everyone"]) == 0
    assert "Nothing to clean up" in capsys.readouterr().out
