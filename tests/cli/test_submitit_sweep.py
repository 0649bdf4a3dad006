"""A sweep by submitit's launcher, whose jobs are processes of this machine: recorded like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Typed, type_command

pytestmark = [pytest.mark.extras, pytest.mark.long]

WORDS = (
    *("-m", "lr=0.3,0.1", "dataset=blobs", "batch_size=200", "model.hidden=[4]", "optimizer=sgd", "trainer=cpu"),
    *("epochs=3", "callbacks.look_ahead=false"),
)
SUBMITIT = ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=15")


def check_recorded(typed: Typed, twin: Typed) -> None:
    """One parent with its report, the members below it, and their points as in one process."""
    assert typed.code == twin.code == 0, typed.err + twin.err
    assert "Traceback" not in typed.err
    kinds = {str(run.info.run_name): run.data.tags["lrscope.kind"] for run in typed.runs()}
    assert kinds == {str(run.info.run_name): run.data.tags["lrscope.kind"] for run in twin.runs()}
    (parent,) = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert "report/report.html" in typed.artifacts(parent, "report")
    for name, kind in kinds.items():
        run, beside = typed.run(name), twin.run(name)
        assert run.info.status == "FINISHED"
        if kind == "member":
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            wanted = {key: typed.curve(run, key) for key in run.data.metrics if "second" not in key}
            assert wanted == {key: twin.curve(beside, key) for key in beside.data.metrics if "second" not in key}


def test_members_lie_below_one_parent_and_a_resume_finds_them_done(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="hydra-submitit-launcher is not installed")
    typed = type_command(tmp_path / "elsewhere", *WORDS, *SUBMITIT, store=True, fresh=True)
    check_recorded(typed, type_command(tmp_path / "here", *WORDS, "sweep.together=never", store=True))
    again = type_command(tmp_path / "elsewhere", *WORDS, *SUBMITIT, "resume=latest", fresh=True)
    assert again.code == 0 and "2 of its 2 members are done" in again.out, again.err
    assert len(again.runs()) == 3
