"""A run that somebody deletes in MLflow while its sweep trains is told of in a line; the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import type_command
from mlflow.entities import ViewType

SWEEP = ("-m", "lr=0.3,0.1", "dataset=blobs", "batch_size=400", "model.hidden=[4]", "optimizer=sgd", "epochs=2")


@pytest.mark.parametrize(
    "what", ["run", *(pytest.param(what, marks=pytest.mark.long) for what in ("sweep", "experiment"))]
)
def test_the_others_go_on(tmp_path: Path, what: str) -> None:
    own = f"callbacks.extra=[{{_target_:deletes.Deletes,what:{what}}}]"
    typed = type_command(tmp_path, *SWEEP, "trainer=cpu", "sweep.together=never", own, store=True)
    assert typed.code == 0, typed.err
    assert "Traceback" not in typed.err
    assert "deleted in the store" in typed.err
    experiments = [found.experiment_id for found in typed.client.search_experiments(ViewType.ALL)]
    runs = typed.client.search_runs(experiments, run_view_type=ViewType.ACTIVE_ONLY)
    assert "RUNNING" not in {run.info.status for run in runs}
