"""What a search by halving finds, and what it takes, beside the same 64 rates all trained to the end.

    python benchmarks/search.py --cases 6     trains the cases that are not kept yet, and prints the table
    python benchmarks/search.py --cases 0     prints the table of what is kept

A case is a network with its data (the digits, where its name says nothing else), an optimizer and a schedule. Its rates
are those of `lr=interval(1e-5,10)`. Regret is how much higher the validation loss at the end is than the lowest of all
64, as a share of what training gained. Each case is kept in a JSON file as soon as it is trained; a campaign that was
cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.report.analysis.wilson import wilson_interval
from lrscope.search.bracket import Bracket, Entrant
from lrscope.search.halving import Curve
from lrscope.search.rungs import rungs

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "search.json"
RATES, EPOCHS = 64, 30
ENOUGH = 0.02
"""A search has found the best rate where its regret is no higher."""

NETWORKS = {
    "linear": ("model=linear",),
    "mlp": ("model=mlp",),
    "narrow": ("model=mlp", "model.hidden=[12]"),
    "deep tanh": ("model=mlp", "model.hidden=[24,24,24]", "model.activation=tanh"),
    "dropout": ("model=mlp", "model.hidden=[48]", "model.dropout=0.3"),
    "cnn": ("model=cnn",),
    "gru": ("dataset._target_=find_parts.find_cases.shipped", "+dataset.problem=digit_rows", "+dataset.split=0",
            "model=gru"),
    "transformer": ("dataset._target_=find_parts.find_cases.shipped", "+dataset.problem=marked_tokens",
                    "+dataset.split=0", "model=transformer"),
    "cancer": ("dataset._target_=find_parts.find_cases.shipped", "+dataset.problem=cancer", "+dataset.split=0",
               "model=mlp", "model.hidden=[16]"),
    "friedman": ("dataset._target_=find_parts.find_cases.shipped", "+dataset.problem=friedman", "+dataset.split=0",
                 "model=mlp", "model.hidden=[32]"),
}  # fmt: skip
OPTIMIZERS = {
    "sgd": ("optimizer=sgd",),
    "momentum": ("optimizer=sgd", "optimizer.momentum=0.9"),
    "adam": ("optimizer=adam",),
    "adamw": ("optimizer=adamw", "optimizer.weight_decay=0.05"),
}
SCHEDULES = ("constant", "cosine")
TUNED = {("mlp", "sgd"), ("mlp", "momentum"), ("mlp", "adam"), ("mlp", "adamw"), ("linear", "adam")}
"""Networks and optimizers on which the rungs and the forecast were chosen; all other cases were held out."""


@dataclass(frozen=True)
class Found:
    """One way to choose on one case: the rate, its regret, and the share of the updates that it took."""

    rate: float
    regret: float
    updates: float


@dataclass(frozen=True)
class Result:
    """``halving`` as it was trained; ``forecast`` and ``now`` by either judge, read off the curves of the whole grid,
    also with one finalist (``_1``), where a wrong decision costs most. ``seconds``: of the commands, this machine's.
    """

    case: str
    tuned: bool
    best: float
    halving: Found
    forecast: Found
    now: Found
    forecast_1: Found
    now_1: Found
    seconds_grid: float
    seconds_halving: float


@dataclass(frozen=True)
class Grid:
    """All rates to the end; ``losses[i]`` after each epoch, nan-free: inf from where a member diverged."""

    rates: Sequence[float]
    losses: Sequence[Sequence[float]]
    start: float

    def regret(self, place: int) -> float:
        lowest = min(own[-1] for own in self.losses)
        return (self.losses[place][-1] - lowest) / (self.start - lowest)

    def score(self, place: int) -> float:
        return (min(self.losses[place]) + self.losses[place][-1]) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=6, help="so many cases in all, the kept ones counted")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where results are kept")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="the cases of these alone")
    chosen = parser.parse_args()
    kept = [_stored(one) for one in json.loads(chosen.json.read_text())] if chosen.json.is_file() else []
    for name, words in cases():
        if len(kept) >= chosen.cases:
            break
        if name not in {result.case for result in kept} and name.split(", ")[0] in chosen.networks.split(","):
            kept.append(train(name, words))
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps([asdict(result) for result in kept], indent=1) + "\n")
            print(f"{name}: {kept[-1].halving.regret:.4f}", flush=True)
    print(table([result for result in kept if not result.tuned]))


def cases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every case in an order that no result had a part in: held-out ones first, of the networks in turn."""
    made = list(product(NETWORKS, OPTIMIZERS, SCHEDULES))
    random.Random(0).shuffle(made)
    by_network = {network: [case for case in made if case[0] == network] for network in NETWORKS}
    in_turn = [case for of_each in zip(*by_network.values(), strict=True) for case in of_each]
    for network, optimizer, schedule in sorted(in_turn, key=lambda case: case[:2] in TUNED):
        yield (
            f"{network}, {optimizer}, {schedule}",
            (*NETWORKS[network], *OPTIMIZERS[optimizer], f"scheduler={schedule}"),
        )


def train(name: str, words: Sequence[str]) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        whole, seconds_grid = _command(Path(folder) / "grid", *words, "search=grid")
        halved, seconds_halving = _command(Path(folder) / "halving", *words, "search=halving")
        grid = _grid(whole)
        finalists = [place for place, (outcome, _) in enumerate(halved) if not outcome.pruned and outcome.best]
        winner = min(finalists, key=grid.score)
        updates = sum(outcome.steps for outcome, _ in halved) / (RATES * max(outcome.steps for outcome, _ in whole))
        network, optimizer, _ = name.split(", ")
        return Result(
            case=name,
            tuned=(network, optimizer) in TUNED,
            best=grid.rates[min(range(RATES), key=lambda place: grid.losses[place][-1])],
            halving=Found(grid.rates[winner], grid.regret(winner), updates),
            forecast=simulated(grid, "forecast", 3),
            now=simulated(grid, "now", 3),
            forecast_1=simulated(grid, "forecast", 1),
            now_1=simulated(grid, "now", 1),
            seconds_grid=seconds_grid,
            seconds_halving=seconds_halving,
        )


def simulated(grid: Grid, judge: str, finalists: int) -> Found:
    """What a halving would have chosen of these curves: a member trains on to the same numbers without the others."""
    names = [str(place) for place in range(len(grid.rates))]
    ladder = rungs(EPOCHS, len(names), 0.3, finalists)
    bracket = Bracket([Entrant(name, name) for name in names], ladder, EPOCHS, judge, {})
    left, spent, before = list(names), 0, 0
    for rung in ladder:
        curves = {name: Curve(grid.start, grid.losses[int(name)][: rung.at]) for name in left}
        spent += len(left) * (rung.at - before)
        before = rung.at
        bracket.rank(rung.at, curves)
        gone = bracket.leaving(rung.at, curves)
        left = [name for name in left if name not in gone]
    spent += len(left) * (EPOCHS - before)
    winner = min(map(int, left), key=grid.score)
    return Found(grid.rates[winner], grid.regret(winner), spent / (len(names) * EPOCHS))


Members = list[tuple[Outcome, Trace]]


def _command(folder: Path, *words: str) -> tuple[Members, float]:
    """A whole command, and what its members left."""
    common = (f"search.trials={RATES}", f"epochs={EPOCHS}", "tracking=off", "callbacks.look_ahead=false")
    quiet = (
        "callbacks.progress=none",
        "callbacks.trial_seconds=0",
        "sweep.together=always",
        f"hydra.sweep.dir={folder}",
    )
    argv = [sys.executable, str(ROOT / "train.py"), "-m", "lr=interval(1e-5,10)", *words, *common, *quiet]
    begun = time.perf_counter()
    environment = os.environ | {"LRSCOPE_ROOT": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent)  # of the cases' data
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    places = sorted((folder / "sweep").iterdir(), key=lambda place: int(place.name))
    outcomes = [(Outcome.read(place), Trace.load(place / "trace.npz")) for place in places]
    return [(outcome, trace) for outcome, trace in outcomes if outcome is not None], seconds


def _grid(members: Members) -> Grid:
    losses = []
    for _, trace in members:
        own = [value if math.isfinite(value) else math.inf for value in trace.get("val/loss").values.tolist()]
        losses.append([*own, *[math.inf] * (EPOCHS - len(own))])
    starts = [value for _, trace in members for value in trace.get("train/loss_start").values.tolist()]
    return Grid([outcome.lr for outcome, _ in members], losses, float(np.median(starts)))


def table(results: Sequence[Result]) -> str:
    """Of the held-out cases, in Markdown: a row for each network."""
    lines = ["| network | cases | within 2% | worst regret | updates | time of all 64 |", "|---|" + "---:|" * 5]
    for network in NETWORKS:
        own = [one for one in results if one.case.split(", ")[0] == network]
        if own:
            good = sum(one.halving.regret <= ENOUGH for one in own)
            worst, updates = max(one.halving.regret for one in own), max(one.halving.updates for one in own)
            time_taken = float(np.median([one.seconds_halving / one.seconds_grid for one in own]))
            lines.append(f"| {network} | {len(own)} | {good} | {worst:.2%} | {updates:.1%} | {time_taken:.0%} |")
    lines += ["", f"{len(results)} held-out cases, {RATES} rates, {EPOCHS} epochs:"]
    for way in ("halving", "forecast", "now", "forecast_1", "now_1"):
        found = [getattr(one, way) for one in results]
        good = sum(one.regret <= ENOUGH for one in found)
        low, high = wilson_interval(good, len(found)) if found else (0.0, 1.0)
        worst = max((one.regret for one in found), default=math.nan)
        mean = sum(one.updates for one in found) / max(len(found), 1)
        lines.append(
            f"- {way}: {good} of {len(found)} within {ENOUGH:.0%} ({low:.0%} to {high:.0%}), worst {worst:.2%},"
            f" {mean:.1%} of the updates"
        )
    return "\n".join(lines)


def _stored(one: dict[str, object]) -> Result:
    found = {key: Found(**value) if isinstance(value, dict) else value for key, value in one.items()}
    return Result(**found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
