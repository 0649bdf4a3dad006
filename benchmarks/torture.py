"""The long campaign of kills, outages and torn files; prints the table of docs/reliability.md.

python benchmarks/torture.py [--kills 54] [--outages 20] [--torn 10] [--seed 1]
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import mlflow_server_on
from torture.campaign import SIGNALS, Campaign, Trial
from torture.commands import KINDS
from torture.twins import Differences

OUTAGES = ("refuse", "hang", "status", "cut request", "cut answer")


def main() -> int:
    """0 where no trial found a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=54)
    parser.add_argument("--outages", type=int, default=20)
    parser.add_argument("--torn", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    campaign = Campaign(folder, arguments.seed)
    trials: list[Trial] = []
    with mlflow_server_on(folder, f"sqlite:///{folder / 'server.db'}") as server:
        kills = itertools.cycle(itertools.product(KINDS, SIGNALS))
        tears = itertools.cycle(itertools.product(KINDS, ("checkpoint", "spool")))
        outages = itertools.cycle(itertools.product(OUTAGES, KINDS))
        for kind, fault in itertools.islice(kills, arguments.kills):
            trials.append(_shown(campaign.kill(kind, fault)))
        for kind, what in itertools.islice(tears, arguments.torn):
            trials.append(_shown(campaign.tear(kind, what)))
        for mode, kind in itertools.islice(outages, arguments.outages):
            trials.append(_shown(campaign.outage(kind, server, mode)))
    print(table(trials))
    print(f"\n{len(trials)} trials, seed {arguments.seed}, {(time.monotonic() - began) / 60:.0f} minutes")
    failed = [trial for trial in trials if not trial.passed]
    for trial in failed:
        print(f"\n{trial.kind} / {trial.fault}: {trial.differences}\n{trial.output}", file=sys.stderr)
    if not failed:
        shutil.rmtree(folder)
    return 1 if failed else 0


def table(trials: list[Trial]) -> str:
    """Markdown: a row for each way of training and fault, with the sums of all its trials."""
    rows: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        rows[trial.kind, trial.fault].append(trial)
    lines = [
        "| trained | fault | trials | of which hit it at work | runs missing / doubled | points missing / doubled "
        "| wrong values | wrong statuses | wrong weights |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (kind, fault), group in rows.items():
        total = sum((trial.differences for trial in group), Differences())
        lines.append(
            f"| {kind} | {fault} | {len(group)} | {sum(t.hit for t in group)} "
            f"| {total.runs_missing} / {total.runs_doubled} | {total.points_missing} / {total.points_doubled} "
            f"| {total.values_wrong} | {total.statuses_wrong} | {total.weights_wrong} |"
        )
    return "\n".join(lines)


def _shown(trial: Trial) -> Trial:
    word = "ok" if trial.passed else f"FAILED: {trial.differences}"
    print(f"{trial.kind} / {trial.fault}{'' if trial.hit else ' (missed)'}: {word}", file=sys.stderr, flush=True)
    return trial


if __name__ == "__main__":
    sys.exit(main())
