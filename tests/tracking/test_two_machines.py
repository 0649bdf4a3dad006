"""Two roots with one store, and a root that was moved: no point twice, no run twice, no old place written to."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from mlflow.tracking import MlflowClient
from recorded_runs import measured, record, run_of, start, steps_of

from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal

pytestmark = pytest.mark.usefixtures("store_project")


def left_undelivered(settings: TrackingSettings, local_id: str, steps: Sequence[int]) -> None:
    """What a machine recorded of a run while it had no way to the store, before it was interrupted."""
    events = (
        ev.Points(tuple(measured(steps))),
        ev.Tags({"lrscope.why": "stopped by signal 2"}),
        ev.Text("from here", "config.yaml"),
        ev.Text("only here", "git.diff"),
        ev.Ended("KILLED", 1),
    )
    Journal.of(Path(settings.spool), local_id).append(b"".join(map(ev.encode, events)))


def begin(settings: TrackingSettings, local_id: str) -> None:
    """Steps 0 to 9 of a run, delivered; it is killed without a word."""
    session = open_session(settings)
    record(session.start(start("two", local_id), wait=True), range(10))
    assert session.close().undelivered == ()


def go_on(settings: TrackingSettings, local_id: str, steps: Sequence[int], status: Any) -> None:
    session = open_session(settings)
    log = session.reopen(local_id)
    record(log, steps)
    log.tags({"lrscope.why": status})
    if not log.has("config.yaml"):
        log.text("from there", "config.yaml")
    log.end(status)
    assert session.close().undelivered == ()


def machines(tmp_path: Path) -> tuple[TrackingSettings, TrackingSettings, MlflowClient]:
    one, other = (TrackingSettings(spool=tmp_path / name / "spool") for name in ("one", "other"))
    return one, other, MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")


def assert_whole(client: MlflowClient, local_id: str, last: int) -> None:
    run = run_of(client, local_id)
    assert steps_of(client, run.info.run_id) == list(range(last))
    assert steps_of(client, run.info.run_id, "lr") == list(range(last))
    assert (run.info.status, run.data.tags["lrscope.why"]) == ("FINISHED", "FINISHED")
    files = {file.path: client.download_artifacts(run.info.run_id, file.path) for file in
             client.list_artifacts(run.info.run_id)}  # fmt: skip
    assert {name: Path(file).read_text() for name, file in files.items()}["config.yaml"] == "from there"


def test_what_one_machine_left_fills_the_gaps_of_a_run_that_another_finished(store_project: Path) -> None:
    one, other, client = machines(store_project)
    local_id = uuid.uuid4().hex
    begin(one, local_id)
    left_undelivered(one, local_id, range(10, 20))
    go_on(other, local_id, range(15, 30), "FINISHED")  # from a checkpoint that the first one had written
    assert sync(one).delivered == (local_id,)
    assert sync(one).words == ()
    assert_whole(client, local_id, 30)


def test_it_waits_while_the_run_is_not_finished(store_project: Path) -> None:
    one, other, client = machines(store_project)
    local_id = uuid.uuid4().hex
    begin(one, local_id)
    left_undelivered(one, local_id, range(10, 20))
    go_on(other, local_id, range(10, 15), "KILLED")
    ((who, why),) = sync(one).left
    assert (who, "another machine has gone on with this run" in why) == (local_id, True)
    go_on(other, local_id, range(12, 30), "FINISHED")
    assert sync(one).delivered == (local_id,)
    assert_whole(client, local_id, 30)


def test_the_first_machine_that_goes_on_again_knows_what_the_other_recorded(store_project: Path) -> None:
    one, other, client = machines(store_project)
    local_id = uuid.uuid4().hex
    begin(one, local_id)
    left_undelivered(one, local_id, range(10, 20))
    go_on(other, local_id, range(10, 25), "KILLED")
    assert [name for name, _ in sync(one).left] == [local_id]
    go_on(one, local_id, range(5, 30), "FINISHED")
    assert_whole(client, local_id, 30)


def test_a_store_is_known_by_its_journals_from_any_root(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_id, spool = uuid.uuid4().hex, store_project / "outputs" / "spool"
    session = open_session(TrackingSettings())
    session.start(start("rooted", local_id), wait=True)
    session.close()
    left_undelivered(TrackingSettings(spool=spool), local_id, range(10))
    (store_project / "elsewhere").mkdir()
    monkeypatch.setenv("LRSCOPE_ROOT", str(store_project / "elsewhere"))
    another = sync(TrackingSettings(uri=f"sqlite:///{store_project / 'elsewhere' / 'mlflow.db'}", spool=spool))
    assert another.delivered == () and f"belongs to sqlite:///{store_project / 'mlflow.db'};" in another.left[0][1]
    own = sync(TrackingSettings(uri=f"sqlite:///{store_project / 'mlflow.db'}", spool=spool))
    assert own.delivered == (local_id,)


def test_a_moved_project_delivers_to_its_own_store(
    store_project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_id = uuid.uuid4().hex
    settings = TrackingSettings()
    session = open_session(settings)
    log = session.start(start("moved", local_id), wait=True)
    record(log, range(10))
    log.text("lr: 1", "config.yaml")
    assert session.close().undelivered == ()
    left_undelivered(TrackingSettings(spool=store_project / "outputs" / "spool"), local_id, range(10, 20))
    place = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(store_project, place)
    before = {file: file.read_bytes() for file in store_project.rglob("*") if file.is_file()}
    monkeypatch.setenv("LRSCOPE_ROOT", str(place))
    monkeypatch.chdir(place.parent)
    assert sync(settings).delivered == (local_id,)
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    run = run_of(client, local_id)
    assert steps_of(client, run.info.run_id) == list(range(20))
    assert run.info.artifact_uri.startswith((place / "mlruns").as_uri())
    artifacts = Path(unquote(urlsplit(run.info.artifact_uri).path))
    assert {file.name: file.read_text() for file in artifacts.iterdir()} == {
        "config.yaml": "from here",
        "git.diff": "only here",
    }
    assert {file: file.read_bytes() for file in store_project.rglob("*") if file.is_file()} == before
