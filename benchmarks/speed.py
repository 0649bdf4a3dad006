"""Whole commands from start to exit, side by side with the peer script; prints the tables of docs/performance.md.

    python benchmarks/speed.py [--members 3,16,64] [--rounds 3] [--threads 1] [--model mlp]

The peer is measured at one and at three rates, and extended in a straight line to more; ``--whole-peer`` measures every
size instead. Both are measured in every round, right beside lrscope's own commands: the machine may be slower by the
next. A ratio is the median of the rounds' ratios. Every promised point is looked up in the store before a time counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 50
STEPS = 45 * EPOCHS


@dataclass(frozen=True)
class Bench:
    """Where the commands record, and how many threads torch may use (None: its own choice)."""

    folder: Path
    threads: int | None
    model: str = "mlp"

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def seconds(self, *command: str) -> float:
        """Wall time of a process; it has to succeed."""
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "LRSCOPE_ROOT": str(self.folder)}
        if self.threads is not None:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        taken = time.perf_counter() - began
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return taken

    def peer(self, rates: list[str]) -> float:
        return self.seconds(
            str(ROOT / "benchmarks" / "peer.py"), "--lr", ",".join(rates), "--store", self.store, "--model", self.model
        )

    def sweep(self, rates: list[str], together: str) -> float:
        """One of lrscope's sweeps, checked to be complete."""
        name = f"{together}-{len(rates)}-{time.time_ns()}"
        words = [
            "-m",
            f"lr={','.join(rates)}",
            f"sweep.together={together}",
            f"experiment_name={name}",
            f"model={self.model}",
        ]
        taken = self.seconds(str(ROOT / "train.py"), *words)
        self.check_complete(name, len(rates))
        return taken

    def check_complete(self, experiment: str, members: int) -> None:
        """Assert that the store holds every promised point of every member."""
        from mlflow import MlflowClient

        from lrscope.training.recording import RecordingPlan

        client = MlflowClient(self.store)
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        runs = client.search_runs([found.experiment_id], "tags.`lrscope.kind` = 'member'", max_results=5000)
        assert len(runs) == members, f"{len(runs)} of {members} members"
        plan = RecordingPlan.of(STEPS)
        losses = [step for step in range(STEPS) if plan.keeps_loss(step)]
        norms = [step for step in range(STEPS) if plan.keeps_signals(step)]
        for run in runs if members <= 64 else runs[:: members // 16]:
            if run.info.status == "FAILED":
                continue  # a diverged member ends early, truthfully
            for key, steps in (("train/loss", losses), ("grad_norm", norms), ("lr", [0, STEPS - 1])):
                stored = sorted(point.step for point in client.get_metric_history(run.info.run_id, key))
                assert stored == steps, f"{key} of {run.info.run_name} is incomplete"


def rates_of(members: int) -> list[str]:
    """Three as in the README; more spread evenly over six decades, without those that diverge at once."""
    if members == 1:
        return ["0.01"]
    if members == 3:
        return ["1", "0.01", "0.0001"]
    return [f"{10 ** (-5 + 5 * k / (members - 1)):.6g}" for k in range(members)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="1,3,16,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="0 leaves it to torch")
    parser.add_argument("--model", default="mlp", choices=["mlp", "cnn"])
    parser.add_argument("--whole-peer", action="store_true", help="measure the peer at every size")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.members.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.threads or None, arguments.model)
        bench.peer(["0.01"])  # makes the store, and warms the disk's cache
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch threads:"
            f" {arguments.threads or 'all'}\n"
        )
        print("| members | peer | one after the other | ratio | together | ratio |\n|---|---|---|---|---|---|")
        for size in sizes:
            _row(bench, size, arguments)


def _row(bench: Bench, size: int, arguments: argparse.Namespace) -> None:
    whole = arguments.whole_peer or size in (1, 3)
    peers, alone, together = [], [], []
    for _ in range(arguments.rounds):
        peers.append(bench.peer(rates_of(size)) if whole else _extended(bench, size))
        if size <= 3:
            alone.append(bench.sweep(rates_of(size), "never"))
        together.append(bench.sweep(rates_of(size), "always"))
    cells = [f"{size}", f"{statistics.median(peers):.1f} s" + ("" if whole else " (extended)")]
    for times in (alone, together):
        ratios = [mine / peer for mine, peer in zip(times, peers, strict=False)]
        cells += [f"{statistics.median(times):.1f} s", f"{statistics.median(ratios):.3f}"] if times else ["-", "-"]
    print("| " + " | ".join(cells) + " |", flush=True)


def _extended(bench: Bench, size: int) -> float:
    one, three = bench.peer(rates_of(1)), bench.peer(rates_of(3))
    return one + (three - one) / 2 * (size - 1)


if __name__ == "__main__":
    main()
