"""The commands that the campaign disturbs: real processes, with everything they leave in a folder of their own."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from lrscope.core.failpoint import FAILPOINT
from processes import Command, run_program, zygote

ROOT = Path(__file__).resolve().parents[2]
SHORT = (
    "model.hidden=[6]",
    "model.dropout=0.1",
    "model.batch_norm=true",
    "optimizer=sgd",
    "optimizer.momentum=0.9",
    "scheduler=plateau",
    "scheduler.patience=2",
    "callbacks.early_stopping.enabled=true",
    "callbacks.early_stopping.patience=4",
    "epochs=12",
    "callbacks.checkpoint.every_seconds=0.02",
    "trainer=cpu",
    "trainer.threads=1",
)
"""At most 72 updates, with a checkpoint up to fifty times a second."""

MEMORY, MODULE = (
    ("dataset=blobs", "batch_size=200"),
    ("dataset._target_=own_data.Rings", "dataset.name=rings", "experiment_name=rings"),
)
RATES = ("-m", "lr=0.3,0.1,0.03")
HALVED = ("search.finalists=1",)
UNREPORTED = ("sweep.report=false", "tracking.log_model=none")
TOGETHER = ("sweep.together=always", *UNREPORTED)
WAYS = {
    "single": ("lr=0.1", *MODULE),
    "module": ("lr=0.1", *MODULE, "model._target_=own_module.Remembering"),
    "one by one": (*RATES, *MODULE, *UNREPORTED),
    "joblib": (*RATES, *MODULE, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "sweep.report=false"),
    "batched": (*RATES, *MEMORY, *TOGETHER),
    "reported": (*RATES, *MEMORY, "sweep.together=always"),
    "modules": (*RATES, *MEMORY, "model._target_=own_module.Plain", *TOGETHER),
    "auto": (*RATES, *MEMORY, *UNREPORTED),  # so short that they train together however long a step takes
    "halving": ("-m", "lr=interval(0.01,1)", "search.trials=8", *HALVED, *MEMORY, *TOGETHER),
    "searched singly": ("-m", "lr=interval(0.01,1)", "search.trials=6", *HALVED, *MODULE, *UNREPORTED),
    "tpe": (
        "-m",
        "lr=interval(0.01,1)",
        "search=tpe",
        "search.trials=12",
        "search.batch=4",
        *HALVED,
        *MEMORY,
        *TOGETHER,
    ),
}
"""The ways in which a run is trained."""


@dataclass(frozen=True)
class Place:
    """Where a command records. ``database``: the file that its store ends up in."""

    folder: Path
    store: str
    database: Path

    @classmethod
    def local(cls, folder: Path) -> Place:
        """A store of its own, in a file."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, f"sqlite:///{folder / 'mlflow.db'}", folder / "mlflow.db")

    @property
    def reached(self) -> Path:
        """What its commands have reached of the failpoints, a line each."""
        return self.folder / "reached"


@dataclass(frozen=True)
class Done:
    """A finished process."""

    code: int
    output: str


TRAIN = (str(ROOT / "train.py"),)


def start(place: Place, *arguments: str, failpoint: str | None = None, program: tuple[str, ...] = TRAIN) -> Command:
    """Start ``train.py`` on a place. ``failpoint``: side, kind, number and victim, see ``core/failpoint.py``."""
    own = [f"tracking.uri={place.store}", f"tracking.spool={place.folder / 'spool'}"]
    where = [
        f"hydra.sweep.dir={place.folder}/jobs/${{now:%H-%M-%S-%f}}",
        f"hydra.run.dir={place.folder}/job/${{now:%H-%M-%S-%f}}",
    ]
    mine = {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(place.folder)}
    mine |= {"PYTHONPATH": str(Path(__file__).parent)}
    mine |= {"LRSCOPE_FORKED_WORKERS": "1"}  # a quarter of the cost; other tests have a user's
    mine |= {"LRSCOPE_TRIAL_SECONDS": "0"}  # what is tried for a run that failed is given seconds: no two are the same
    mine |= {FAILPOINT: f"{failpoint} {place.reached}"} if failpoint is not None else {}
    keys = {word.split("=")[0] for word in arguments}
    short = [word for word in SHORT if word.split("=")[0] not in keys]
    argv = [*program, *arguments, *short, *own, *where]
    return zygote().start(argv, place.folder, dict(os.environ) | mine)


def finish(process: Command, seconds: float = 400) -> Done:
    """Wait for a command; one that hangs is killed and fails."""
    output = process.wait(seconds)
    assert process.returncode is not None
    return Done(process.returncode, output)


def train(place: Place, *arguments: str, failpoint: str | None = None, program: tuple[str, ...] = TRAIN) -> Done:
    """A whole command."""
    return finish(start(place, *arguments, failpoint=failpoint, program=program))


def wait_until_training(place: Place, process: Command, seconds: float = 250) -> None:
    """Return when the first record is on disk, or the process has ended: before that there is nothing to lose."""
    deadline = time.monotonic() + seconds
    journal = place.folder / "spool"
    while time.monotonic() < deadline and process.returncode is None:
        if any(journal.glob("*/events.jsonl")):
            return
        time.sleep(0.02)


def sync(place: Place) -> Done:
    """Deliver what a command could not."""
    words = [str(ROOT / "scripts" / "sync.py"), "--uri", place.store, "--spool", str(place.folder / "spool")]
    done = run_program(words, place.folder, dict(os.environ) | {"LRSCOPE_ROOT": str(place.folder)})
    return Done(done.returncode, done.stdout + done.stderr)
