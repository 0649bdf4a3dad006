"""How often the range of a recommendation holds the best rate, and what the recommended rate costs.

    python benchmarks/recommendation.py train      trains the sweeps, and each densely with other seeds
    python benchmarks/recommendation.py report     judges what the report recommends for them
    python benchmarks/recommendation.py confirm    the same after sweep.confirm has trained more seeds

Each case is kept as soon as it is trained, so a campaign that was cut off goes on where it was. What the cases are and
how they are judged stands in docs/recommendation.md.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from recommendation_parts.judge import BySeed, Dense, Judged, as_sweep, judge
from recommendation_parts.sweep_cases import DENSE_SEEDS, FURTHER_SEEDS, SweepCase, draw_case
from recommendation_parts.train_rates import train_rates
from recommendation_parts.train_seeds import train_seeds

from lrscope.report.analysis.contenders import contenders
from lrscope.report.analysis.rate_curve import NEAR
from lrscope.report.analysis.wilson import wilson_interval

FOLDER = Path(__file__).resolve().parents[1] / "outputs" / "recommendation"
MORE_SEEDS = range(11, 15)

Kept = tuple[SweepCase, BySeed, Dense]
"""A case, its sweep, and the dense one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "report", "confirm"])
    parser.add_argument("--half", choices=["tune", "held-out"], default="held-out")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first case: parts can run side by side")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the trainings are kept")
    parser.add_argument("--json", type=Path, help="also write what was found of each case here")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    cases = [draw_case(chosen.half, number) for number in range(chosen.first, chosen.cases)]
    if chosen.command == "train":
        for case in cases:
            train(case, chosen.folder)
        return
    kept = list(trained(cases, chosen.folder))
    if chosen.command == "confirm":
        kept = [confirmed(one, chosen.folder) for one in kept]
    judged = [found for one in kept if (found := judge(*one)) is not None]
    print(report(kept, judged))
    if chosen.json is not None:
        chosen.json.write_text("[\n" + ",\n".join(json.dumps(asdict(one)) for one in judged) + "\n]\n")


def train(case: SweepCase, folder: Path) -> None:
    """Train the sweep, and the dense one with its own seeds and with further ones, unless that is kept already."""
    path = folder / f"{case.name}.pickle"
    if path.exists():
        return
    begun = time.perf_counter()
    sweep = {seed: train_rates(case, case.rates, seed) for seed in range(case.seeds)}
    losses = train_seeds(case, case.dense_rates, (*DENSE_SEEDS, *FURTHER_SEEDS))
    keep(path, (case, sweep, Dense(losses[: len(DENSE_SEEDS)], losses[len(DENSE_SEEDS) :])))
    print(f"{case.name}: {case.problem}, {case.optimizer}, {time.perf_counter() - begun:.1f} s", flush=True)


def keep(path: Path, content: object) -> None:
    """Write it whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(content))
    part.replace(path)


def trained(cases: Sequence[SweepCase], folder: Path) -> Iterator[Kept]:
    """Those of the cases that are kept."""
    for case in cases:
        path = folder / f"{case.name}.pickle"
        if path.exists():
            yield pickle.loads(path.read_bytes())


def confirmed(kept: Kept, folder: Path) -> Kept:
    """The sweep with four more seeds of its three best rates, as ``sweep.confirm`` trains them."""
    case, sweep, dense = kept
    members = {member.run_id: member for member in as_sweep(case, sweep).members}
    best = tuple(sorted(members[name].rate or 0.0 for name in contenders(as_sweep(case, sweep))))
    path = folder / f"{case.name}.confirm"
    rates, more = pickle.loads(path.read_bytes()) if path.exists() else ((), {})
    if rates != best:
        more = {seed: train_rates(case, best, seed) for seed in MORE_SEEDS} if best else {}
        keep(path, (best, more))
    return case, {**sweep, **more}, dense


def report(kept: Sequence[Kept], judged: Sequence[Judged]) -> str:
    """A table: all cases, and those that something sets apart."""
    lines = [
        f"{len(kept)} sweeps; for {len(kept) - len(judged)} of them nothing is recommended. "
        f"Median width of the range: {sorted(one.decades for one in judged)[len(judged) // 2]:.2f} decades.",
        "",
        "| sweeps | number | range holds the best | regret within 2% | mean | best of the swept rates: within 2% "
        "| mean | lowest best epoch: within 2% | mean | one dense seed: within 2% | recommended, by the five seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    kinds = {
        "all": judged,
        "evidence clear": [one for one in judged if one.evidence == "clear"],
        "evidence tentative": [one for one in judged if one.evidence != "clear"],
        "one seed": [one for one in judged if one.seeds == 1],
        "several seeds": [one for one in judged if one.seeds > 1],
        "rates at most a factor 3.2 apart": [one for one in judged if one.spacing <= 3.2],
        "further apart": [one for one in judged if one.spacing > 3.2],
        "a rate between the tried ones": [one for one in judged if not one.tried],
    }
    lines += [_row(name, some) for name, some in kinds.items() if some]
    return "\n".join(lines)


def _row(name: str, some: Sequence[Judged]) -> str:
    cells = [_share([one.contains for one in some])]
    for regrets in ([o.regret for o in some], [o.swept for o in some], [o.lowest for o in some]):
        cells += [_share([regret <= NEAR for regret in regrets]), f"{sum(regrets) / len(regrets):.1%}"]
    cells += [f"{sum(one.dense_one for one in some) / len(some):.1%}", _share([one.by_five <= NEAR for one in some])]
    return f"| {name} | {len(some)} | " + " | ".join(cells) + " |"


def _share(found: Sequence[bool]) -> str:
    low, high = wilson_interval(sum(found), len(found))
    return f"{sum(found) / len(found):.1%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
