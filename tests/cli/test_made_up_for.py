"""What a sweep lacks because its command was killed the next one makes up for; it begins nothing unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Typed, type_command

SWEEP = ("-m", "lr=0.3,0.1", "dataset=blobs", "batch_size=200", "model.hidden=[4]", "optimizer=sgd", "epochs=2")
OWN = ("trainer=cpu", "callbacks.look_ahead=false")

KILLED = """
import os, signal, sys
from lrscope.cli.main import main
from lrscope.sweeps import close
close.{where} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(main())
"""


def _killed(folder: Path, where: str, *words: str) -> Typed:
    """The command, killed with SIGKILL where it comes to a step of its end."""
    program = folder / f"killed-{where}.py"
    program.write_text(KILLED.format(where=where))
    typed = type_command(folder / "root", *words, program=[str(program)], store=True)
    assert typed.code == -9, typed.err
    return typed


def _models(typed: Typed) -> dict[str, int]:
    runs = [typed.client.get_run(run.info.run_id) for run in typed.runs()]
    return {str(run.info.run_name): len(run.outputs.model_outputs) if run.outputs else 0 for run in runs}


@pytest.mark.parametrize("where", ["close_and_report", pytest.param("write_and_show", marks=pytest.mark.long)])
def test_the_end_of_a_sweep_is_made_up_for(tmp_path: Path, where: str) -> None:
    killed = _killed(tmp_path, where, *SWEEP, *OWN)
    again = type_command(tmp_path / "root", *SWEEP, *OWN, "resume=latest")
    assert again.code == 0, again.err
    assert {run.info.status for run in again.runs()} == {"FINISHED"}
    assert sum(_models(again).values()) == 1
    assert _models(again)["lr=0.3"] == 1
    (parent,) = [run for run in again.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert "report/report.html" in again.artifacts(parent, "report")
    assert all("mlflow.runColor" in run.data.tags for run in again.runs() if run.info.run_id != parent.info.run_id)
    experiment = again.client.get_experiment(parent.info.experiment_id)
    assert any(key.startswith("mlflow.sharedViewState.") for key in experiment.tags)
    assert killed.root == again.root


@pytest.mark.long
def test_latest_is_not_an_older_sweep_that_has_ended(tmp_path: Path) -> None:
    first = type_command(tmp_path, *SWEEP, *OWN, "sweep.report=false", "tracking.log_model=none", store=True)
    assert first.code == 0, first.err
    others = ("-m", "lr=0.03,0.1", *SWEEP[2:], *OWN, "sweep.report=false", "tracking.log_model=none")
    refused = type_command(tmp_path, *others, "resume=latest")
    assert refused.code == 2
    (line,) = refused.err.strip().splitlines()
    assert "no such sweep" in line
    assert "lr=0.03" in line
    (parent,) = [run for run in first.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert f"resume={parent.info.run_id}" in line
    assert len(refused.runs()) == 3
    added = type_command(tmp_path, *others, f"resume={parent.info.run_id}")
    assert added.code == 0, added.err
    assert len(added.runs()) == 4
    assert added.run("lr=0.03").data.tags["mlflow.parentRunId"] == parent.info.run_id
