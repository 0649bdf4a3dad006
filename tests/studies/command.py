"""The real command line in a fresh process, and what it left in a store of its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from processes import run_program
from servers import empty_store

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Member:
    """A recorded run with its curves."""

    run: Run
    client: MlflowClient

    @property
    def params(self) -> dict[str, str]:
        return self.run.data.params

    @property
    def verdict(self) -> str:
        return self.run.data.tags["lrscope.verdict"]

    @property
    def status(self) -> str:
        return self.run.info.status

    def last(self, key: str) -> float:
        return self.run.data.metrics[key]

    def curve(self, key: str) -> dict[int, float]:
        """Step to value, ascending."""
        points = self.client.get_metric_history(self.run.info.run_id, key)
        return {point.step: point.value for point in sorted(points, key=lambda point: point.step)}

    def values(self, key: str) -> list[float]:
        return list(self.curve(key).values())


@dataclass(frozen=True)
class Command:
    """One finished ``python train.py …``."""

    code: int
    output: str
    client: MlflowClient

    def members(self, **params: str) -> list[Member]:
        """The runs that are no parents, with these params (``lr="0.01"``, ``scheduler__name="plateau"``)."""
        wanted = {key.replace("__", "."): value for key, value in params.items()}
        members = [Member(run, self.client) for run in self.runs() if run.data.tags["lrscope.kind"] != "sweep"]
        return [m for m in members if wanted.items() <= m.params.items()]

    def member(self, **params: str) -> Member:
        (only,) = self.members(**params)
        return only

    def runs(self) -> list[Run]:
        ids = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return list(self.client.search_runs(ids, max_results=500))


def train(folder: Path, *arguments: str, timeout: float = 280, **environment: str) -> Command:
    """Run the command with the store, the journal and Hydra's folders under ``folder``."""
    shutil.copy(empty_store(), folder / "mlflow.db")
    store = f"sqlite:///{folder / 'mlflow.db'}"
    own = [
        f"tracking.uri={store}",
        f"tracking.spool={folder / 'spool'}",
        f"hydra.sweep.dir={folder / 'jobs'}",
        f"hydra.run.dir={folder / 'job'}",
        "tracking.log_model=none",
        "trainer=cpu",
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(folder)}
    words = [str(ROOT / "train.py"), *own, *arguments]
    done = run_program(words, folder, {**os.environ, **quiet, **environment}, timeout)
    return Command(done.returncode, done.stdout + done.stderr, MlflowClient(store))
