"""Sweeps on engines beside one process; prints the tables of docs/engines.md.

    python benchmarks/engines.py [--rates 64] [--seeds 4] [--epochs 20] [--rounds 3] [--engines joblib,slurm,ray]

A sweep of rates and seeds in one process and on two workers of joblib. And what a group costs on each engine beside its
training: four groups of one member of a single epoch, one after the other; the first also starts a worker. ``slurm``
has its jobs as processes of this machine. All take turns, round by round; the tables have medians, and, as other
programs change a wall clock and hardly a processor's, the processor's seconds of the command and of what it started.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ("trainer=cpu", "callbacks.look_ahead=false", "tracking.log_model=none", "sweep.report=false")
ENGINES = {
    "joblib": ("sweep.engine=joblib",),
    "slurm": ("sweep.engine=slurm", "sweep.engine_options.cluster=local"),
    "ray": ("sweep.engine=ray",),
}


@dataclass(frozen=True)
class Ran:
    """Of a sweep: wall time, the processor's, and what it printed."""

    wall: float
    cpu: float
    said: str

    @property
    def groups(self) -> list[float]:
        """Seconds of each group, in the order in which they ended."""
        return [float(found) for found in re.findall(r": done after ([\d.]+) s", self.said)]


def command(folder: Path, *words: str) -> Ran:
    """A sweep, which has to succeed."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(folder), "LRSCOPE_TRIAL_SECONDS": "0"}
    line = [sys.executable, str(ROOT / "train.py"), "-m", *words, *PLAIN]
    began, used = time.perf_counter(), Used()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(line, env=environment, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        top = psutil.Process(process.pid)
        while process.poll() is None:
            used.look_at(top)
            time.sleep(0.1)
        wall = time.perf_counter() - began
        said.seek(0)
        words_said = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}\n{words_said[-4000:]}")
    return Ran(wall, used.seconds, words_said)


class Used:
    """Seconds of the processor of a process and all that it started, as they were when they were last looked at.

    The system counts those only that a process has waited for, and Ray's workers are nobody's.
    """

    def __init__(self) -> None:
        self._of_each: dict[tuple[int, float], float] = {}

    @property
    def seconds(self) -> float:
        return sum(self._of_each.values())

    def look_at(self, top: psutil.Process) -> None:
        with suppress(psutil.Error):
            for process in (top, *top.children(recursive=True)):
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    self._of_each[process.pid, process.create_time()] = times.user + times.system


def beside_one_process(ran: Mapping[str, Sequence[Ran]], members: int) -> None:
    print("| members | where | wall time | processor | groups |\n|---|---|---|---|---|")
    for name, runs in ran.items():
        wall, cpu = median(one.wall for one in runs), median(one.cpu for one in runs)
        groups = len(runs[0].groups) or 1
        print(f"| {members} | {name} | {wall:.1f} s ({spread(one.wall for one in runs)}) | {cpu:.1f} s | {groups} |")


def of_a_group(ran: Mapping[str, Sequence[Ran]]) -> None:
    print("\n| engine | first group | each further group | processor, all four |\n|---|---|---|---|")
    for engine, runs in ran.items():
        cpu = median(one.cpu for one in runs)
        if engine == "local":
            print(f"| local | | | {cpu:.1f} s |")
            continue
        later = [seconds for one in runs for seconds in one.groups[1:]]
        first = median(one.groups[0] for one in runs)
        print(f"| {engine} | {first:.1f} s | {median(later):.1f} s ({spread(later)}) | {cpu:.1f} s |")


def spread(values: Iterable[float]) -> str:
    known = list(values)
    return f"{min(known):.1f} to {max(known):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", default="joblib,slurm,ray")
    arguments = parser.parse_args()
    points = ",".join(f"{10 ** (-5 + 5 * k / (arguments.rates - 1)):.6g}" for k in range(arguments.rates))
    many = (f"lr={points}", f"seed=range({arguments.seeds})", f"epochs={arguments.epochs}", "sweep.together=always")
    few = ("model.hidden=[4],[5],[6],[7]", "dataset=blobs", "epochs=1")
    whole: dict[str, list[Ran]] = {"one process": [], "2 workers": []}
    groups: dict[str, list[Ran]] = {name: [] for name in ("local", *arguments.engines.split(","))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command(folder, "lr=0.1,0.2", "dataset=blobs", "epochs=1")  # makes the store, and warms the disk's cache
        for _ in range(arguments.rounds):
            whole["one process"].append(command(folder, *many))
            whole["2 workers"].append(command(folder, *many, *ENGINES["joblib"], "sweep.workers=2"))
            for engine, runs in groups.items():
                where = () if engine == "local" else ("sweep.workers=1", *ENGINES[engine])
                runs.append(command(folder, *few, *where))
            print(
                f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
                file=sys.stderr,
                flush=True,
            )
    beside_one_process(whole, arguments.rates * arguments.seeds)
    of_a_group(groups)


if __name__ == "__main__":
    main()
