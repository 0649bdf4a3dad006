"""What was recorded before the modules moved is resumed, synced, compared and diagnosed by today's commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from mlflow.entities import Run

from cli.command_line import CHECKOUT, Typed, type_command
from compatibility.recorded import unpack

pytestmark = pytest.mark.long

LONE_RUN = "1ff601680b5c49beb9450e02a04776f3"
FINISHED_SWEEP = "1b28ef25d8fd4a4aa346ecbb78ad750a"
STOPPED = {
    "stopped_batched": "683ab696b44541bebad950b11c32c03b",
    "stopped_single": "cc080cb9ab9144dea29512e2af3dd75e",
}
EPOCHS, UPDATES_PER_EPOCH = 150, 38


def script(root: Path, name: str, *words: str) -> Typed:
    return type_command(root, *words, program=(str(CHECKOUT / "scripts" / f"{name}.py"),))


def members(done: Typed, parent: str) -> Sequence[Run]:
    return [run for run in done.runs() if run.data.tags.get("mlflow.parentRunId") == parent]


@pytest.mark.parametrize("experiment", STOPPED)
def test_an_interrupted_sweep_is_resumed_into_the_same_runs(tmp_path: Path, experiment: str) -> None:
    unpack(tmp_path)
    parent = STOPPED[experiment]
    before = {run.info.run_id for run in members(Typed(tmp_path, 0, "", "", 0), parent)}
    resumed = script(tmp_path, "resume", parent)
    assert resumed.code == 0, resumed.err
    runs = members(resumed, parent)
    assert {run.info.run_name: run.info.status for run in runs} == {"lr=0.1": "FINISHED", "lr=0.01": "FINISHED"}
    assert before <= {run.info.run_id for run in runs}
    for run in runs:
        assert sorted(resumed.curve(run, "epoch").values()) == [float(epoch) for epoch in range(1, EPOCHS + 1)]
        assert set(resumed.curve(run, "lr")) == {0, EPOCHS * UPDATES_PER_EPOCH - 1}
        assert len(resumed.curve(run, "peak_lr")) == 1
        assert run.data.tags["lrscope.verdict"] == "trained"
    (sweep,) = [run for run in resumed.runs() if run.info.run_id == parent]
    assert sweep.info.status == "FINISHED"


def test_what_was_not_delivered_is_synced(tmp_path: Path) -> None:
    unpack(tmp_path)
    synced = script(tmp_path, "sync")
    assert synced.code == 0, synced.err
    (member,) = members(synced, STOPPED["stopped_single"])
    recorded = synced.curve(member, "epoch")
    assert sorted(recorded.values()) == [float(epoch) for epoch in range(1, len(recorded) + 1)]
    assert len(recorded) > 10


def test_a_finished_sweep_is_compared(tmp_path: Path) -> None:
    unpack(tmp_path)
    compared = script(tmp_path, "compare", FINISHED_SWEEP)
    assert compared.code == 0, compared.err
    assert "lr=1" in compared.out and "lr=0.01" in compared.out
    (sweep,) = [run for run in compared.runs() if run.info.run_id == FINISHED_SWEEP]
    assert "report/report.html" in compared.artifacts(sweep, "report")


def test_a_run_is_diagnosed(tmp_path: Path) -> None:
    unpack(tmp_path)
    diagnosed = script(tmp_path, "diagnose", LONE_RUN)
    assert diagnosed.code == 0, diagnosed.err
    (run,) = [run for run in diagnosed.runs() if run.info.run_id == LONE_RUN]
    assert run.data.tags["lrscope.verdict"].replace("_", " ") in diagnosed.out.lower()


def test_a_finished_sweep_has_nothing_left_to_train(tmp_path: Path) -> None:
    unpack(tmp_path)
    before = {run.info.run_id: run.info.end_time for run in members(Typed(tmp_path, 0, "", "", 0), FINISHED_SWEEP)}
    resumed = script(tmp_path, "resume", FINISHED_SWEEP)
    assert resumed.code == 0, resumed.err
    assert "2 of its 2 members are done" in resumed.out
    assert {run.info.run_id: run.info.end_time for run in members(resumed, FINISHED_SWEEP)} == before


def test_public_names_of_users_files_are_still_there() -> None:
    from lrscope.callbacks.own import record_values
    from lrscope.hydra_callback import SweepCallback

    from lrscope.datasets.data import Data
    from lrscope.training.callbacks import own

    assert record_values is own.record_values
    assert SweepCallback.__module__ == "lrscope.cli.hydra_hooks"
    assert Data.__module__ == "lrscope.datasets.data"
