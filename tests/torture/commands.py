"""The commands that the campaign disturbs: real processes, with everything they leave in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from torture.processes import Command, zygote

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 150
SHORT = (
    "dataset=blobs",
    "batch_size=200",
    "model.hidden=[6]",
    "optimizer=sgd",
    "optimizer.momentum=0.9",
    "scheduler=exponential",
    "scheduler.decay_steps=100",
    f"epochs={EPOCHS}",
    "callbacks.checkpoint.every_seconds=0.1",
    "tracking.log_model=none",
    "sweep.report=false",
    "trainer=cpu",
    "trainer.threads=1",
)
"""900 updates, with a checkpoint ten times a second."""

KINDS = {
    "solo": ("lr=0.1",),
    "swept": ("-m", "lr=0.3,0.1,0.03", "sweep.together=never"),
    "together": ("-m", "lr=0.3,0.1,0.03", "sweep.together=always"),
}
"""The three ways in which a run is trained."""


@dataclass(frozen=True)
class Place:
    """Where a command records."""

    folder: Path
    store: str

    @classmethod
    def local(cls, folder: Path) -> Place:
        """A store of its own, in a file."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, f"sqlite:///{folder / 'mlflow.db'}")


@dataclass(frozen=True)
class Done:
    """A finished process."""

    code: int
    output: str


def start(place: Place, *arguments: str) -> Command:
    """Start ``train.py`` on a place."""
    own = [f"tracking.uri={place.store}", f"tracking.spool={place.folder / 'spool'}"]
    where = [
        f"hydra.sweep.dir={place.folder}/jobs/${{now:%H-%M-%S-%f}}",
        f"hydra.run.dir={place.folder}/job/${{now:%H-%M-%S-%f}}",
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(place.folder)}
    argv = [str(ROOT / "train.py"), *arguments, *SHORT, *own, *where]
    return zygote().start(argv, place.folder, dict(os.environ) | quiet)


def finish(process: Command, seconds: float = 280) -> Done:
    """Wait for a command; one that hangs is killed and fails."""
    output = process.wait(seconds)
    assert process.returncode is not None
    return Done(process.returncode, output)


def train(place: Place, *arguments: str) -> Done:
    """A whole command."""
    return finish(start(place, *arguments))


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
    command = [sys.executable, str(ROOT / "scripts" / "sync.py"), "--uri", place.store]
    done = subprocess.run(
        [*command, "--spool", str(place.folder / "spool")],
        cwd=place.folder,
        env=os.environ | {"LRSCOPE_ROOT": str(place.folder)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    return Done(done.returncode, done.stdout + done.stderr)
