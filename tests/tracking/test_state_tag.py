from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from recorded_runs import record, run_of, start

from lrscope.core.stored_command import command_tags, stored_command
from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.find import find_run
from lrscope.tracking.mlflow_store.state_tag import STATE, folded, unfolded
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri

OWN = {"lrscope.fingerprint": "6b3e4a06f9b93361", "lrscope.best": '{"val/loss": 0.25}', "lrscope.steps": "76"}
SHOWN = {"lrscope.kind", "lrscope.local_id", "lrscope.parent_local_id", "lrscope.sweep", "lrscope.heartbeat", STATE}


def _stored(root: Path, run_id: str) -> dict[str, str]:
    """The tags as MLflow's page shows them."""
    tags = MlflowClient(f"sqlite:///{root}/mlflow.db").get_run(run_id).data.tags
    return {key: value for key, value in tags.items() if key.startswith("lrscope.")}


@pytest.fixture
def member(store_project: Path) -> str:  # noqa: ARG001
    """Its run's id."""
    session = open_session(TrackingSettings())
    session.start(start("e", "p1", "sweep", tags={"lrscope.axes": '["lr"]'})).end("FINISHED")
    log = session.start(start("e", "m1", "member", "p1", tags={"lrscope.fingerprint": OWN["lrscope.fingerprint"]}))
    record(log, range(3))
    log.tags({key: OWN[key] for key in ("lrscope.best", "lrscope.steps")})
    log.end("FINISHED")
    session.close()
    assert log.run_id is not None
    return log.run_id


def test_a_store_shows_one_tag_of_what_the_program_keeps_and_reads_it_by_its_names(
    store_project: Path, member: str
) -> None:
    shown = _stored(store_project, member)
    assert set(shown) == SHOWN
    state = json.loads(shown[STATE])
    assert state["version"] == 1 and state["best"] == {"val/loss": 0.25}
    read = open_store(resolve_uri(None)).client.get_run(member).data.tags
    assert json.loads(read.pop("lrscope.best")) == {"val/loss": 0.25}
    assert {key: read[key] for key in ("lrscope.fingerprint", "lrscope.steps")} == {
        key: OWN[key] for key in ("lrscope.fingerprint", "lrscope.steps")
    }
    assert read["lrscope.process.pid"].isdecimal() and read["lrscope.session"]


def test_a_later_process_changes_its_part_and_keeps_the_rest(store_project: Path, member: str) -> None:
    before = json.loads(_stored(store_project, member)[STATE])
    session = open_session(TrackingSettings())
    session.annotate("m1").tags({"lrscope.steps": "99", "lrscope.why": "it ends"})
    session.close()
    assert json.loads(_stored(store_project, member)[STATE]) == {**before, "steps": "99"}


def test_what_an_earlier_version_stored_is_read_and_gone_on_with(store_project: Path, member: str) -> None:
    client = MlflowClient(f"sqlite:///{store_project}/mlflow.db")
    for key, value in unfolded(client.get_run(member).data.tags).items():
        client.set_tag(member, key, value)
    client.delete_tag(member, STATE)
    settings = TrackingSettings()
    assert find_run(settings, "e", member, "member").fingerprint == OWN["lrscope.fingerprint"]
    session = open_session(settings)
    session.reopen("m1").tags({"lrscope.steps": "120"})
    session.close()
    run = run_of(client, "m1")
    assert (run.data.tags["lrscope.steps"], run.data.tags["lrscope.fingerprint"]) == ("120", OWN["lrscope.fingerprint"])


@pytest.mark.parametrize("number", [3, 400, 4000])
def test_what_is_too_long_for_one_tag_stays_as_it_was(number: int) -> None:
    words = [f"dataset.path=/a/folder/{place}" for place in range(number)]
    tags = {**OWN, **command_tags(words), "lrscope.facts": json.dumps({"x": "y" * 3000})}
    written = folded(tags, {})
    assert all(len(value) <= TAG_LENGTH for value in written.values())
    assert stored_command(unfolded(written)) == tuple(words)
    assert unfolded(written)["lrscope.steps"] == "76" and "lrscope.steps" not in written
    # A shorter command later is what counts, whatever tags of the longer one are left.
    after = {**written, **folded(command_tags(["lr=1"]), written)}
    assert stored_command(unfolded(after)) == ("lr=1",)


@pytest.mark.parametrize(
    "words", ["", "[]", "{", '{"version": 2, "steps": "9"}', '{"steps": "9"}', '{"version": 1}', "[" * 5000]
)
def test_a_state_that_is_none_is_no_state(words: str) -> None:
    assert unfolded({**OWN, STATE: words}) == {**OWN, STATE: words}


def test_a_state_says_only_what_is_its_own_and_steers_nothing() -> None:
    made_up = {"version": 1, "kind": "sweep", "local_id": "../x", "verdict": "trained", "mlflow.user": "anna"}
    made_up |= {"steps": "\x1b[2J9", "best": {"\x1b[2J": 1}}
    read = unfolded({STATE: json.dumps(made_up)})
    assert set(read) == {STATE, "lrscope.steps", "lrscope.best"}
    assert "\x1b" not in "".join(read.values())
