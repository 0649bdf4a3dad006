"""A short training from end to end, recorded in a folder of its own."""

import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient

PROJECT = Path(__file__).resolve().parents[1]


def test_a_short_training_learns(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    words = ["epochs=5", f"tracking.uri={store}", f"tracking.spool={tmp_path / 'spool'}", f"hydra.run.dir={tmp_path}"]
    subprocess.run([sys.executable, "train.py", *words], cwd=PROJECT, check=True)
    client = MlflowClient(store)
    (run,) = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["val/acc"] > 0.8
