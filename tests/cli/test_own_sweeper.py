"""A sweeper that chooses its jobs as it goes: its members are a sweep's like any other's."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import type_command

SMALL = ("dataset=blobs", "batch_size=400", "model.hidden=[4]", "optimizer=sgd", "epochs=1", "trainer=cpu")


def test_batches_of_jobs_become_one_sweep(tmp_path: Path) -> None:
    """Until the third batch, which is refused: what trained stays, and nothing is left running."""
    batches = "hydra.sweeper.batches=[[0.3,0.1],[0.2],[-1,abc]]"
    typed = type_command(tmp_path, "-m", "hydra/sweeper=own", batches, *SMALL, "sweep.report=false", store=True)
    assert typed.code == 2, typed.err
    refused = [line for line in typed.err.splitlines() if line.startswith("error: ")]
    assert [line.partition(":")[2].partition(":")[0].strip() for line in refused] == ["lr=abc", "lr=-1"]
    (parent,) = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    members = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "member"]
    assert {run.info.run_name for run in members} == {"lr=0.3", "lr=0.1", "lr=0.2"}
    assert {run.info.status for run in members} == {"FINISHED"}
    assert parent.info.status == "FAILED"
    assert json.loads(parent.data.tags["lrscope.axes"]) == ["lr"]
    assert [bool(run.outputs.model_outputs) for run in members if run.info.run_name == "lr=0.3"] == [True], "the best"
