"""A run composed from a ``--config-dir`` is trained again, and loaded, from there, or the command is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from processes import run_program
from servers import empty_store

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LOAD = """
import sys, lrscope
print([tuple(p.shape) for p in lrscope.load_sweep(sys.argv[1]).runs[0].load_model().parameters()][0])
"""


def typed(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"LRSCOPE_ROOT": str(project), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    return run_program(list(words), project, inherited | own)


def test_a_run_composed_from_another_folder_is_reproduced_and_loaded_from_there(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "conf of mine"
    (folder / "model").mkdir(parents=True)
    option = (ROOT / "conf/model/mlp.yaml").read_text()
    (folder / "model/own.yaml").write_text(option.replace("[25, 12]", "[7]"))
    project.mkdir()
    shutil.copy(empty_store(), project / "mlflow.db")
    given = (f"--config-dir={folder}", "-m", "model=own", "lr=0.02,0.01", "dataset=blobs", "epochs=2", "trainer=cpu")
    done = typed(project, str(ROOT / "train.py"), *given, "sweep.together=never")
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiments = [one.experiment_id for one in client.search_experiments()]
    (member,) = client.search_runs(experiments, "attributes.run_name = 'lr=0.02'")
    run_id, sweep = member.info.run_id, member.data.tags["mlflow.parentRunId"]

    done = typed(project, str(ROOT / "scripts/reproduce.py"), run_id)
    assert done.returncode == 0 and "equal, bit for bit" in done.stdout, done.stderr + done.stdout
    loaded = typed(project, "-c", LOAD, sweep)
    assert loaded.returncode == 0 and "(7, " in loaded.stdout, loaded.stderr

    # As on a machine that has no record of the command: a store decides of no folder.
    shutil.rmtree(project / "outputs")
    for command in ((str(ROOT / "scripts/reproduce.py"), run_id), ("-c", LOAD, sweep)):
        done = typed(project, *command)
        assert done.returncode != 0 and "which no store decides" in done.stderr and str(folder) in done.stderr
    moved = folder.rename(tmp_path / "moved")
    done = typed(project, str(ROOT / "scripts/reproduce.py"), run_id, "--config-dir", str(moved))
    assert done.returncode == 0 and "equal, bit for bit" in done.stdout, done.stderr + done.stdout
    done = typed(project, str(ROOT / "scripts/reproduce.py"), run_id, "--config-dir", str(folder))
    assert done.returncode == 2 and "there is no such folder" in done.stderr and "Traceback" not in done.stderr
