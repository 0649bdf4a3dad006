"""Hydra's own ``submitit_slurm`` launcher on a real SLURM: a job a member, recorded like any other sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from slurm_cluster import Cluster
from sweeps_elsewhere import AT_MOST_S, points, states, type_command

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1500)]

MEMBERS = (
    *("-m", "lr=0.3,0.1", "dataset=blobs", "batch_size=200", "model.hidden=[4]", "optimizer=sgd", "trainer=cpu"),
    *("epochs=3", "callbacks.look_ahead=false", "tracking.log_model=none"),
)
LAUNCHER = ("hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=30", "hydra.launcher.cpus_per_task=1")


def test_members_lie_below_one_parent_and_a_resume_finds_them_done(slurm: Cluster, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="run by the Python of make test-extras alone")
    here = type_command(tmp_path / "here", *MEMBERS, "sweep.together=never", store=True, at_most_s=AT_MOST_S)
    assert here.code == 0, here.err
    root = tmp_path / "there"
    there = type_command(root, *MEMBERS, *LAUNCHER, store=True, variables=slurm.variables, at_most_s=AT_MOST_S)
    assert there.code == 0, there.err + there.out
    assert len(points(here)) == 2 and points(there) == points(here)
    assert states(root) == ["FINISHED"] * 3
    assert len(slurm.ask("sacct", "--allocations", "--noheader", "--format=JobID").split()) >= 2
    (parent,) = [run for run in there.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert "report/report.html" in there.artifacts(parent, "report")
    members = [run for run in there.runs() if run.data.tags["lrscope.kind"] == "member"]
    assert {run.data.tags["mlflow.parentRunId"] for run in members} == {parent.info.run_id}
    words = (*MEMBERS, *LAUNCHER, "resume=latest")
    again = type_command(root, *words, variables=slurm.variables, at_most_s=AT_MOST_S)
    assert again.code == 0 and "2 of its 2 members are done" in again.out, again.err + again.out
    assert len(again.runs()) == 3
