"""Whether the rate that `find=on` tells is as good as the best of a sweep, and Lightning's `lr_find` beside it.

    python benchmarks/find.py --cases 20                  trains the held-out cases that are not kept yet
    python benchmarks/find.py --cases 10 --half tune      those on which the rule was set
    python benchmarks/find.py --cases 0                   prints the table of what is kept

A case is a small data set that scikit-learn ships or makes, a network, an optimizer and a schedule, drawn by number.
Regret is how much higher the validation loss at the end is at the rate that was found than at the best of three
rates a decade from 1e-5 to 10, means over three seeds, as a share of the latter. Each case is kept in a JSON file as
soon as it is trained; a campaign that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from find_parts.find_cases import HALVES, FindCase, draw_case
from find_parts.lightnings import lightnings_rate
from find_parts.trained_case import SWEPT, start_of, whole_runs

from lrscope.report.analysis.rate_law import find_rate
from lrscope.report.analysis.wilson import wilson_interval

RESULTS = Path(__file__).resolve().parent / "results" / "find.json"
ENOUGH = 0.1
"""A rate is as good as the best where its regret is no higher."""


@dataclass(frozen=True)
class Result:
    """``rate`` None: it was not told, for ``why_not``. ``held``: whether the best swept rate lies in the interval."""

    case: str
    half: str
    optimizer: str
    schedule: str
    updates: int
    best: float
    rate: float | None
    regret: float | None
    held: bool | None
    spent: float
    why_not: str
    lightning: float | None
    lightning_regret: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20, help="so many cases of the half in all, the kept ones counted")
    parser.add_argument("--half", choices=[*HALVES], default="held-out")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where results are kept")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    kept = [Result(**one) for one in json.loads(chosen.json.read_text())] if chosen.json.is_file() else []
    for number in range(chosen.cases):
        case = draw_case(chosen.half, number)
        if case.name in {result.case for result in kept}:
            continue
        kept.append(train(case, chosen.half))
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps([asdict(result) for result in kept], indent=1) + "\n")
        print(f"{case.name}: {kept[-1].rate} of {kept[-1].best}, regret {kept[-1].regret}", flush=True)
    print(table([result for result in kept if result.half == chosen.half]))


def train(case: FindCase, half: str) -> Result:
    start = start_of(case)
    records = start.train(lambda: None)
    assert records is not None
    found, lightning = find_rate(start.measured(records), start.slope), lightnings_rate(case)
    others = [rate for rate in (found.lr, lightning) if rate is not None]
    rates = sorted({*SWEPT, *others})
    losses = dict(zip(rates, _means(whole_runs(case, rates)), strict=True))
    best = min(SWEPT, key=losses.__getitem__)
    return Result(
        case=case.name,
        half=half,
        optimizer=case.optimizer,
        schedule=case.schedule,
        updates=found.planned,
        best=best,
        rate=found.lr,
        regret=_regret(losses, found.lr, best),
        held=found.best.low <= best <= found.best.high if found.best is not None else None,
        spent=found.spent,
        why_not=found.why_not,
        lightning=lightning,
        lightning_regret=_regret(losses, lightning, best),
    )


def _means(losses: Sequence[Sequence[float]]) -> list[float]:
    """Over the seeds; 1e9 where a seed diverged, as JSON has no inf."""
    means = np.mean(np.nan_to_num(np.array(losses), nan=1e9, posinf=1e9), 0)
    return [min(float(mean), 1e9) for mean in means]


def _regret(losses: dict[float, float], rate: float | None, best: float) -> float | None:
    return losses[rate] / losses[best] - 1 if rate is not None else None


def table(results: Sequence[Result]) -> str:
    """In Markdown."""
    lines = ["| case | best swept | found | regret | `lr_find` | regret |", "|---|---:|---:|---:|---:|---:|"]
    for one in results:
        case = f"{one.case.split()[1]}, {one.optimizer}, {one.schedule}, {one.updates}"
        found = f"{_rate(one.rate)} | {_share(one.regret)} | {_rate(one.lightning)} | {_share(one.lightning_regret)}"
        lines.append(f"| {case} | {one.best:.2g} | {found} |")
    told = [one for one in results if one.regret is not None]
    lines += ["", _words("find", [one.regret for one in told], len(results))]
    lines.append(_words("lr_find", [one.lightning_regret for one in results], len(results)))
    held = sum(bool(one.held) for one in told)
    low, high = wilson_interval(held, len(told)) if told else (0.0, 1.0)
    spent = max((one.spent for one in results), default=math.nan)
    lines.append(f"- the 80% interval held the best swept rate in {held} of {len(told)} ({low:.0%} to {high:.0%})")
    lines.append(f"- at most {spent:.1%} of the updates of one run per copy; {len(results) - len(told)} not told")
    return "\n".join(lines)


def _words(name: str, regrets: Sequence[float | None], cases: int) -> str:
    known = [regret for regret in regrets if regret is not None]
    good = sum(regret <= ENOUGH for regret in known)
    low, high = wilson_interval(good, cases) if cases else (0.0, 1.0)
    middle = float(np.median(known)) if known else math.nan
    return f"- {name}: {good} of {cases} within {ENOUGH:.0%} ({low:.0%} to {high:.0%}), median regret {middle:.1%}"


def _rate(rate: float | None) -> str:
    return f"{rate:.2g}" if rate is not None else "not told"


def _share(regret: float | None) -> str:
    if regret is None:
        return ""
    return f"{regret:.0%}" if regret < 100 else "diverged"


if __name__ == "__main__":
    main()
