"""The long campaign of kills, outages and torn files; prints the table of docs/reliability.md.

python benchmarks/reliability.py [--points 1] [--random 100] [--kills 54] [--outages 20] [--torn 10] [--seed 1]

Each case's result is written as soon as it is there, with the commit that it is of: a campaign that was cut off goes on
where it was. A case that went wrong is tried again once the code is another one; `--anew` tries all again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import empty_store
from torture.campaign import OUTAGES, SIGNALS, Campaign, Trial
from torture.commands import WAYS
from torture.twins import Differences

ROOT = Path(__file__).resolve().parents[1]
KINDS = (
    "store", "ticket", "run", "event", "fsync", "offset", "batch", "upload", "checkpoint", "rename", "best", "outcome",
    "trace", "status", "package", "model", "report", "view", "prune", "timing", "rung",
)  # fmt: skip
"""Of writes, in about the order of a run."""

OF_THE_END = ("batch", "upload", "status", "package", "model", "report", "view", "prune")
"""Of a sweep that is reported: all else is the same without."""

RESULTS = ROOT / "outputs" / "torture" / "results.jsonl"


@dataclass(frozen=True)
class Case:
    """One trial by name, what it is a case of, and how it is done."""

    name: str
    sort: tuple[str, str]
    """The way of training and the kind of fault: a row of the table."""
    run: Callable[[Campaign], Trial]


@dataclass(frozen=True)
class Result:
    """A line of the file of results."""

    case: str
    way: str
    fault: str
    hit: bool
    differences: Differences
    commit: str
    date: str
    seconds: float

    @classmethod
    def read(cls, line: str) -> Result:
        body = json.loads(line)
        differences = {**body["differences"], "which": tuple(body["differences"]["which"])}
        return cls(**{**body, "differences": Differences(**differences)})


def main() -> int:
    """0 where no trial found a difference."""
    arguments = _parser().parse_args()
    began, file, commit = time.monotonic(), arguments.results, _version()
    file.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    cases = plan(arguments)
    done = set() if arguments.anew else {r.case for r in read(file) if r.differences.none or r.commit == commit}
    left = [case for case in cases if case.name not in done]
    print(f"{len(cases)} cases, {len(cases) - len(left)} of them done before: {file}", file=sys.stderr, flush=True)
    first = Campaign(folder / "worker-0", empty_store())
    others = [Campaign(folder / f"worker-{k}", empty_store(), first) for k in range(1, arguments.jobs)]
    workers = [(campaign, left[k :: arguments.jobs]) for k, campaign in enumerate([first, *others])]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(partial(_work, file=file, commit=commit), workers))
    planned = {case.name for case in cases}
    results = [result for result in read(file) if result.case in planned]
    print(table(results))
    print(
        f"\n{len(results)} trials, seed {arguments.seed}; this call took {(time.monotonic() - began) / 60:.0f} minutes"
    )
    failed = [result for result in results if not result.differences.none]
    for result in failed:
        print(f"\n{result.case}: {result.differences}", file=sys.stderr)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def read(file: Path) -> list[Result]:
    """The last result of each case."""
    lines = file.read_text().splitlines() if file.exists() else []
    return list({result.case: result for result in map(Result.read, lines)}.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1, help="0: no kills at every kind of write")
    parser.add_argument("--random", type=int, default=100, help="kills at a write by chance")
    parser.add_argument("--kills", type=int, default=54, help="signals at a moment by chance")
    parser.add_argument("--outages", type=int, default=20)
    parser.add_argument("--torn", type=int, default=10)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help="of training")
    parser.add_argument("--most", type=int, help="stop after so many cases")
    parser.add_argument("--only", nargs="+", default=[""], help="cases whose name begins with one of these")
    parser.add_argument("--anew", action="store_true", help="try again what was tried before")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    return parser


def plan(arguments: argparse.Namespace) -> list[Case]:
    """The cases in the order in which they are tried: one of each sort, by chance, then the next one of each, so that a
    part of them says something of all.
    """
    ways, seed = arguments.ways, arguments.seed

    def case(number: int, way: str, fault: str, run: Callable[..., Trial], **more: object) -> Case:
        name = f"{number} {way}: {fault}"
        return Case(
            name,
            (way, _fault(fault)),
            lambda campaign: run(campaign, way=way, chance=random.Random(f"{seed} {name}"), **more),
        )

    def kinds_of(way: str) -> tuple[str, ...]:
        return OF_THE_END if way == "reported" else KINDS

    cases: list[Case] = []
    if arguments.points:
        points = (
            (way, *rest)
            for way in ways
            for rest in itertools.product(("before", "after"), kinds_of(way), ("first", "middle", "last"))
        )
        for number, (way, side, kind, occurrence) in enumerate(points):
            which, whole, again = f"{side} {kind} {occurrence}", number % 4 != 3, number % 3 == 0
            cases.append(case(number, way, which, Campaign.fail, which=which, whole=whole, again=again))
    for number, way in enumerate(itertools.islice(itertools.cycle(ways), arguments.random)):
        whole, again = number // len(ways) % 4 != 3, number // len(ways) % 2 == 0
        cases.append(case(number, way, "random", Campaign.fail, which="random", whole=whole, again=again))
    kills = itertools.cycle(itertools.product(ways, SIGNALS))
    for number, (way, sign) in enumerate(itertools.islice(kills, arguments.kills)):
        cases.append(case(number, way, sign, Campaign.kill, sign=sign))
    tears = itertools.cycle(itertools.product(ways, ("checkpoint", "spool")))
    for number, (way, what) in enumerate(itertools.islice(tears, arguments.torn)):
        cases.append(case(number, way, f"torn {what}", Campaign.tear, what=what))
    outages = itertools.cycle(itertools.product(OUTAGES, ways))
    for number, (mode, way) in enumerate(itertools.islice(outages, arguments.outages)):
        cases.append(case(number, way, mode, Campaign.outage, mode=mode))
    random.Random(seed).shuffle(cases)
    sorts: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for one in cases:
        sorts[one.sort].append(one)
    rounds = itertools.zip_longest(*sorts.values())
    in_turn = [
        one for of_each in rounds for one in of_each if one is not None and one.name.startswith(tuple(arguments.only))
    ]
    return in_turn[: arguments.most]


def _work(worker: tuple[Campaign, list[Case]], file: Path, commit: str) -> None:
    campaign, cases = worker
    for case in cases:
        began, today = time.monotonic(), time.strftime("%Y-%m-%d")
        trial = case.run(campaign)
        took = round(time.monotonic() - began, 1)
        result = Result(case.name, trial.way, trial.fault, trial.hit, trial.differences, commit, today, took)
        with file.open("a") as results:
            results.write(json.dumps(asdict(result)) + "\n")
        word = "ok" if trial.passed else f"FAILED: {trial.differences}\n{trial.output}"
        print(f"{case.name}{'' if trial.hit else ' (missed)'}, {took:.0f} s: {word}", file=sys.stderr, flush=True)


def table(results: list[Result]) -> str:
    """Markdown: a row for each way of training and fault, with the sums of all its trials."""
    rows: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        rows[result.way, _fault(result.fault)].append(result)
    names = [name.replace("_", " ") for name in Differences().counts()]
    lines = [f"| trained | fault | trials | struck | {' | '.join(names)} |", "|---" * (4 + len(names)) + "|"]
    lines += [_row(way, fault, group) for (way, fault), group in sorted(rows.items())]
    return "\n".join(lines)


def _row(way: str, fault: str, group: list[Result]) -> str:
    total = sum((result.differences for result in group), Differences())
    counts = " | ".join(str(count) for count in total.counts().values())
    return f"| {way} | {fault} | {len(group)} | {sum(result.hit for result in group)} | {counts} |"


def _fault(fault: str) -> str:
    """The kind of a fault: a row of the table for each."""
    side, _, rest = fault.partition(" ")
    return f"kill at: {rest.split(' ')[0]}" if side in ("before", "after") else fault.replace(", the writer alone", "")


def _version() -> str:
    def git(*words: str) -> str:
        return subprocess.run(("git", "-C", str(ROOT), *words), capture_output=True, text=True, check=True).stdout

    return git("rev-parse", "--short", "HEAD").strip() + ("-changed" if git("status", "--porcelain").strip() else "")


if __name__ == "__main__":
    sys.exit(main())
