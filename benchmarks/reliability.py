"""The long campaign of kills, outages and torn files; prints the table of docs/reliability.md.

python benchmarks/reliability.py [--kills 54] [--outages 20] [--torn 10] [--seed 1] [--jobs 2]
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import Server, mlflow_server_on
from torture.campaign import SIGNALS, Campaign, Trial
from torture.commands import KINDS
from torture.twins import Differences

Fault = Callable[[Campaign], Trial]

OUTAGES = ("refuse", "hang", "status", "cut request", "cut answer")


def main() -> int:
    """0 where no trial found a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=54)
    parser.add_argument("--outages", type=int, default=20)
    parser.add_argument("--torn", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    arguments = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    with mlflow_server_on(folder, f"sqlite:///{folder / 'server.db'}") as server:
        planned = plan(arguments, server)
        workers = [
            (Campaign(folder / f"worker-{k}", arguments.seed + k), planned[k :: arguments.jobs])
            for k in range(arguments.jobs)
        ]
        with ThreadPoolExecutor(arguments.jobs) as pool:
            trials = [trial for done in pool.map(_work, workers) for trial in done]
    print(table(trials))
    print(f"\n{len(trials)} trials, seed {arguments.seed}, {(time.monotonic() - began) / 60:.0f} minutes")
    failed = [trial for trial in trials if not trial.passed]
    for trial in failed:
        print(f"\n{trial.kind} / {trial.fault}: {trial.differences}\n{trial.output}", file=sys.stderr)
    if not failed:
        shutil.rmtree(folder)
    return 1 if failed else 0


def plan(arguments: argparse.Namespace, server: Server) -> list[Fault]:
    """The faults in the order in which they are tried: each way of training meets each of them equally often."""
    kills = itertools.product(KINDS, SIGNALS)
    tears = itertools.product(KINDS, ("checkpoint", "spool"))
    outages = itertools.product(OUTAGES, KINDS)
    faults: list[Fault] = []
    for kind, fault in itertools.islice(itertools.cycle(kills), arguments.kills):
        faults.append(partial(Campaign.kill, kind=kind, fault=fault))
    for kind, what in itertools.islice(itertools.cycle(tears), arguments.torn):
        faults.append(partial(Campaign.tear, kind=kind, what=what))
    for mode, kind in itertools.islice(itertools.cycle(outages), arguments.outages):
        faults.append(partial(Campaign.outage, kind=kind, server=server, mode=mode))
    return faults


def _work(worker: tuple[Campaign, list[Fault]]) -> list[Trial]:
    campaign, faults = worker
    return [_shown(fault(campaign)) for fault in faults]


def table(trials: list[Trial]) -> str:
    """Markdown: a row for each way of training and fault, with the sums of all its trials."""
    rows: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        rows[trial.kind, trial.fault].append(trial)
    lines = [
        "| trained | fault | trials | of which hit it at work | runs missing / doubled | points missing / doubled "
        "| wrong values | wrong statuses | wrong weights | files missing |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (kind, fault), group in rows.items():
        total = sum((trial.differences for trial in group), Differences())
        lines.append(
            f"| {kind} | {fault} | {len(group)} | {sum(t.hit for t in group)} "
            f"| {total.runs_missing} / {total.runs_doubled} | {total.points_missing} / {total.points_doubled} "
            f"| {total.values_wrong} | {total.statuses_wrong} | {total.weights_wrong} | {total.files_missing} |"
        )
    return "\n".join(lines)


def _shown(trial: Trial) -> Trial:
    word = "ok" if trial.passed else f"FAILED: {trial.differences}"
    print(f"{trial.kind} / {trial.fault}{'' if trial.hit else ' (missed)'}: {word}", file=sys.stderr, flush=True)
    return trial


if __name__ == "__main__":
    sys.exit(main())
