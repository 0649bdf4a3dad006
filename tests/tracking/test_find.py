"""Which run a user means: by an id, its beginning, or as the latest, in a store of one's own and in a shared one."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from lrscope.cli.commands import resume_command
from lrscope.core.errors import InputError
from lrscope.core.stored_command import command_tags
from lrscope.core.tracking_settings import RunStart, TrackingSettings
from lrscope.report.data.collect import latest_sweep, stored_run
from lrscope.tracking import open_session
from lrscope.tracking.find import find_interrupted, find_run, find_to_resume
from lrscope.tracking.origin import ORIGIN, origin_tags
from stored_sweeps import diverged, store_sweep


@pytest.fixture
def shared(project: Path, fresh_database: Path, tmp_path_factory: pytest.TempPathFactory) -> TrackingSettings:
    """A database outside the project, as several people may use one."""
    place = tmp_path_factory.mktemp("shared")
    shutil.copy(fresh_database, place / "team.db")
    return TrackingSettings(uri=f"sqlite:///{place}/team.db", spool=project / "outputs/spool")


def begun(settings: TrackingSettings, kind: str, status: str, **tags: str) -> str:
    client = MlflowClient(settings.uri)
    found = client.get_experiment_by_name("e")
    experiment = found.experiment_id if found else client.create_experiment("e", artifact_location="file:///nowhere")
    time.sleep(0.002)  # MLflow orders by milliseconds
    run = client.create_run(experiment, run_name=kind, tags={"lrscope.kind": kind, **tags}).info.run_id
    client.set_terminated(run, status)
    return str(run)


OTHERS = {ORIGIN: "f" * 16, "mlflow.user": "anna"}


@pytest.mark.parametrize("kind", ["sweep", "run"])
def test_latest_in_a_shared_store_is_of_this_checkout(shared: TrackingSettings, kind: str) -> None:
    theirs = begun(shared, kind, "KILLED", **OTHERS)
    with pytest.raises(InputError, match=rf"latest is of anna \({theirs}\)\. To go on with that give resume={theirs}"):
        find_run(shared, "e", "latest", kind)
    mine = begun(shared, kind, "KILLED", **origin_tags())
    begun(shared, kind, "KILLED", **OTHERS)
    assert find_run(shared, None, "latest", kind).run_id == mine
    assert find_run(shared, None, theirs, kind).run_id == theirs, "others' by their id"


def test_a_record_of_an_older_version_is_told_by_its_user(shared: TrackingSettings) -> None:
    mine = begun(shared, "sweep", "KILLED", **{"mlflow.user": origin_tags().get("mlflow.user", "")})
    begun(shared, "sweep", "KILLED", **{"mlflow.user": "anna"})
    assert find_run(shared, None, "latest", "sweep").run_id == mine


def test_what_another_machine_began_in_this_very_folder_is_of_this_checkout(shared: TrackingSettings) -> None:
    session = open_session(shared)
    log = session.start(RunStart("e", "lr × 2", "sweep", "a" * 32, tags=OTHERS))
    log.end("KILLED")
    session.close()
    assert find_run(shared, "e", "latest", "sweep").local_id == "a" * 32


def test_all_is_of_this_checkout_in_the_projects_own_store(store_project: Path) -> None:
    own = TrackingSettings(uri=f"sqlite:///{store_project}/mlflow.db", spool=store_project / "outputs/spool")
    moved = begun(own, "sweep", "KILLED", **OTHERS)
    assert find_run(own, None, "latest", "sweep").run_id == moved


def test_what_was_interrupted_last_may_be_a_sweep_or_a_lone_run(shared: TrackingSettings) -> None:
    assert find_interrupted(shared) is None
    sweep = begun(shared, "sweep", "KILLED", **origin_tags())
    begun(shared, "run", "FINISHED", **origin_tags(), **{"lrscope.verdict": "trained"})
    begun(shared, "run", "FAILED", **origin_tags(), **{"lrscope.verdict": "diverged"})
    begun(shared, "member", "KILLED", **origin_tags())
    assert find_interrupted(shared).run_id == sweep
    run = begun(shared, "run", "KILLED", **origin_tags())
    begun(shared, "run", "KILLED", **OTHERS)
    assert find_interrupted(shared).run_id == run
    assert find_interrupted(shared, "another") is None


def test_a_member_leads_to_its_sweep(shared: TrackingSettings) -> None:
    sweep = begun(shared, "sweep", "KILLED")
    member = begun(shared, "member", "KILLED", **{"mlflow.parentRunId": sweep})
    assert find_to_resume(shared, member).run_id == sweep
    assert find_to_resume(shared, sweep[:9]).run_id == sweep
    with pytest.raises(InputError, match="no such sweep or run"):
        find_to_resume(shared, "nothing")


def test_the_beginning_of_an_id_is_enough_where_it_means_one(shared: TrackingSettings) -> None:
    sweep = begun(shared, "sweep", "KILLED", **{"lrscope.local_id": "beef" + "0" * 28})
    begun(shared, "sweep", "KILLED", **{"lrscope.local_id": "beef" + "1" * 28})
    assert find_run(shared, None, sweep[:7], "sweep").run_id == sweep
    assert find_run(shared, None, "beef0", "sweep").run_id == sweep
    assert stored_run(MlflowClient(shared.uri), sweep[:7]).info.run_id == sweep
    with pytest.raises(InputError, match=r"resume=beef: several ids begin so: .*, .*\. Give more of it\."):
        find_run(shared, None, "beef", "sweep")
    for wrong in ("beff", "%%%%", "____", "' OR 1"):
        with pytest.raises(InputError, match="no such sweep"):
            find_run(shared, None, wrong, "sweep")
    for ask in (
        lambda word: find_run(shared, None, word, "sweep"),
        lambda word: find_to_resume(shared, word),
        lambda word: stored_run(MlflowClient(shared.uri), word),
        lambda word: find_to_resume(replace(shared, mode="offline"), word),
    ):
        with pytest.raises(InputError, match="=be: is too short for the beginning of an id"):
            ask("be")


def test_the_beginning_of_an_id_is_enough_where_no_store_is_asked(shared: TrackingSettings) -> None:
    offline = replace(shared, mode="offline")
    session = open_session(offline)
    for local_id in ("beef" + "0" * 28, "beef" + "1" * 28):
        session.start(RunStart("e", "lr × 2", "sweep", local_id)).end("KILLED")
    session.close()
    assert find_run(offline, None, "beef0", "sweep").local_id == "beef" + "0" * 28
    with pytest.raises(InputError, match=r"resume=beef: several ids begin so: "):
        find_run(offline, None, "beef", "sweep")
    with pytest.raises(InputError, match="no such sweep"):
        find_run(offline, None, "dead", "sweep")


def test_a_sweep_that_trained_nothing_is_not_the_latest_to_be_shown(shared: TrackingSettings) -> None:
    left_out: list[str] = []
    stopped = begun(shared, "sweep", "KILLED")
    with pytest.raises(InputError, match="holds no sweep that has trained anything"):
        latest_sweep(shared.uri)
    parent, _ = store_sweep(shared.uri, [diverged(10.0, 0)])
    began = begun(shared, "sweep", "KILLED")
    client = MlflowClient(shared.uri)
    member = begun(shared, "member", "KILLED", **{"mlflow.parentRunId": began})
    client.log_metric(member, "peak_lr", 0.1)  # recorded ahead of the first step
    assert latest_sweep(shared.uri, left_out.append) == parent
    assert left_out == [f"left out: sweep ({began}) ended before it had trained anything"]
    client.log_metric(member, "train/loss", 1.0)
    assert latest_sweep(shared.uri) == began
    assert stopped not in "".join(left_out)


LONG = (f"lr={','.join(f'{0.1 + n / 1e6:.6f}' for n in range(2100))}", "dataset.path=/data/é.csv", "epochs=3")


@pytest.mark.parametrize("kind", ["sweep", "run"])
def test_a_command_that_is_longer_than_a_tag_is_found_whole(shared: TrackingSettings, kind: str) -> None:
    tags = command_tags(LONG)
    assert len(tags) == 3 and max(map(len, tags.values())) == 8000
    found = find_run(shared, "e", begun(shared, kind, "KILLED", **tags), kind)
    assert found.overrides == LONG


def test_a_longer_command_of_before_leaves_nothing_in_a_shorter_one(shared: TrackingSettings) -> None:
    run_id = begun(shared, "sweep", "KILLED", **{**command_tags(LONG), **command_tags(["lr=1,2"])})
    assert find_run(shared, "e", run_id, "sweep").overrides == ("lr=1,2",)


def test_a_command_that_an_older_version_cut_is_not_repeated_in_part(shared: TrackingSettings) -> None:
    first = next(iter(command_tags(LONG).values()))
    run_id = begun(shared, "sweep", "KILLED", **{"lrscope.overrides": first})
    with pytest.raises(InputError, match="its command is not stored, or not all of it"):
        resume_command.main([run_id, "--store", str(shared.uri)], "lrscope resume")
