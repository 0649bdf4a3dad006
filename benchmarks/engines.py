"""Sweeps on engines beside one process; prints the tables of docs/engines.md.

    python benchmarks/engines.py [--rates 64] [--seeds 4] [--epochs 20] [--engines joblib,slurm,ray]

First a sweep of rates and seeds in one process and on two workers of joblib, taking turns. Then what a group costs on
each engine beside its training: four groups of one member of a single epoch, one after the other. The first also starts
a worker. ``slurm`` has its jobs as processes of this machine.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ("trainer=cpu", "callbacks.look_ahead=false", "tracking.log_model=none", "sweep.report=false")
ENGINES = {
    "joblib": ("sweep.engine=joblib",),
    "slurm": ("sweep.engine=slurm", "sweep.engine_options.cluster=local"),
    "ray": ("sweep.engine=ray",),
}


def command(folder: Path, *words: str) -> tuple[float, str]:
    """Wall time of a sweep, which has to succeed, and what it printed."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(folder), "LRSCOPE_TRIAL_SECONDS": "0"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "-m", *words, *PLAIN],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return taken, done.stdout


def beside_one_process(folder: Path, rates: int, seeds: int, epochs: int) -> None:
    points = ",".join(f"{10 ** (-5 + 5 * k / (rates - 1)):.6g}" for k in range(rates))
    words = (f"lr={points}", f"seed=range({seeds})", f"epochs={epochs}", "sweep.together=always")
    here, _ = command(folder, *words)
    two, said = command(folder, *words, *ENGINES["joblib"], "sweep.workers=2")
    groups = len(re.findall(r": done after", said))
    print("| members | one process | 2 workers | groups | ratio |\n|---|---|---|---|---|")
    print(f"| {rates * seeds} | {here:.1f} s | {two:.1f} s | {groups} | {two / here:.2f} |\n", flush=True)


def of_a_group(folder: Path, engine: str) -> None:
    words = ("model.hidden=[4],[5],[6],[7]", "dataset=blobs", "epochs=1", "sweep.workers=1", *ENGINES[engine])
    _, said = command(folder, *words)
    times = [float(found) for found in re.findall(r": done after ([\d.]+) s", said)]
    print(f"| {engine} | {times[0]:.1f} s | {statistics.median(times[1:]):.1f} s |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--engines", default="joblib,slurm,ray")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command(folder, "lr=0.1,0.2", "dataset=blobs", "epochs=1")  # makes the store, and warms the disk's cache
        beside_one_process(folder, arguments.rates, arguments.seeds, arguments.epochs)
        print("| engine | first group | each further group |\n|---|---|---|")
        for engine in arguments.engines.split(","):
            of_a_group(folder, engine)


if __name__ == "__main__":
    main()
