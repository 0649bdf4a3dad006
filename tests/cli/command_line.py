"""``python train.py …`` as a user types it: a fresh process, with its store and its outputs in a folder of its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from lrscope.tracking.mlflow_store.checked_client import checked_run
from processes import run_program
from servers import empty_store

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Typed:
    """A command that has ended, and what it left."""

    root: Path
    code: int
    out: str
    err: str
    seconds: float

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.root / 'mlflow.db'}")

    def runs(self) -> list[Run]:
        """All runs that were recorded; asked of MLflow, as a user would, with what the program put into one tag."""
        if not (self.root / "mlflow.db").exists():
            return []
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return [checked_run(run) for run in self.client.search_runs(experiments, order_by=["attributes.start_time"])]

    def run(self, name: str) -> Run:
        (found,) = [run for run in self.runs() if run.info.run_name == name]
        return found

    def curve(self, run: Run, key: str) -> dict[int, float]:
        """Step to value; a step that was recorded twice is an error."""
        points = self.client.get_metric_history(run.info.run_id, key)
        assert len({point.step for point in points}) == len(points), f"{key} has a step twice"
        return {point.step: point.value for point in sorted(points, key=lambda point: point.step)}

    def artifacts(self, run: Run, folder: str | None = None) -> set[str]:
        """Paths of all files below a folder of the run's artifacts."""
        found: set[str] = set()
        for entry in self.client.list_artifacts(run.info.run_id, folder):
            found |= self.artifacts(run, entry.path) if entry.is_dir else {entry.path}
        return found

    def artifact(self, run: Run, path: str) -> Path:
        """A local copy of one artifact."""
        return Path(self.client.download_artifacts(run.info.run_id, path))


def type_command(
    root: Path,
    *words: str,
    program: Sequence[str] = (str(CHECKOUT / "train.py"),),
    cwd: Path | None = None,
    path: Path = HERE,
    store: bool = False,
    fresh: bool = False,
    variables: Mapping[str, str] | None = None,
    at_most_s: float = 280,
) -> Typed:
    """Run ``python train.py`` with these words in a process of its own, and everything it writes below ``root``.

    Args:
        path: a folder of a user's own modules.
        store: whether there is a store already, as for all but the first command of a project.
        fresh: see :func:`processes.run_program`.
        variables: of its environment, beside those of every test.
        at_most_s: one that takes longer is killed.
    """
    root.mkdir(parents=True, exist_ok=True)
    if store:
        shutil.copy(empty_store(), root / "mlflow.db")
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(path), "LRSCOPE_TRIAL_SECONDS": "0"}
    foreign = ("MLFLOW_", "LRSCOPE_", "HYDRA_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)} | own
    environment |= variables or {}
    began = time.monotonic()
    done = run_program([*program, *words], cwd or root, environment, at_most_s, fresh)
    seconds = time.monotonic() - began
    return Typed(root, done.returncode, done.stdout, done.stderr, seconds)
