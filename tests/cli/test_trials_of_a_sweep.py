"""A sweep in which nothing works is told what would, once for all members, and its record keeps it."""

from __future__ import annotations

import json

import pytest
from mlflow.entities import Run

from cli.command_line import Typed, type_command
from lrscope.core.trials import TRIALS
from lrscope.diagnosis import diagnose_sweep
from lrscope.tracking.mlflow_store.read import read_traces

WORDS = (
    "dataset=blobs", "model.hidden=[6]", "model.activation=identity", "optimizer=sgd", "batch_size=100", "epochs=4",
    "trainer=cpu", "sweep.report=false", "tracking.log_model=none", "callbacks.look_ahead=false",
    "hydra/launcher=together", "sweep.together=always",
)  # fmt: skip


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    root = tmp_path_factory.mktemp("swept")
    return type_command(root, "-m", "lr=1e4,1e5", *WORDS, "callbacks.trial_seconds=100", store=True)


def members(swept: Typed) -> list[Run]:
    return [run for run in swept.runs() if run.data.tags["lrscope.kind"] == "member"]


def test_every_member_is_told_what_trained(swept: Typed) -> None:
    assert swept.code == 0, swept.err
    assert swept.out.count("trying what would train") == 1
    notes = [member.data.tags["mlflow.note.content"] for member in members(swept)]
    advice = {note.split("**What to do:** ")[1].splitlines()[0] for note in notes}
    assert len(advice) == 1
    assert "tried for 48 updates from the same start" in advice.pop()


def test_what_was_tried_is_in_the_record_and_a_later_report_says_the_same(swept: Typed) -> None:
    stored = [json.loads(run.data.tags[TRIALS]) for run in members(swept)]
    assert stored[0] == stored[1] and any(trial["works"] for trial in stored[0]["tried"])
    traces = list(read_traces(swept.client, members(swept)).values())
    for member, diagnosis in zip(members(swept), diagnose_sweep(traces), strict=True):
        assert diagnosis.primary.advice in member.data.tags["mlflow.note.content"]


def test_copies_are_no_runs(swept: Typed) -> None:
    assert sorted(run.data.tags["lrscope.kind"] for run in swept.runs()) == ["member", "member", "sweep"]
