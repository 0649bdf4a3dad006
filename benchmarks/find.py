"""Whether the rate that `find=on` tells is as good as the best of a sweep; Lightning's `lr_find` and fastai's valley
rule beside it.

    python benchmarks/find.py --cases 20                  trains the held-out cases that are not kept yet
    python benchmarks/find.py --cases 10 --half tune      those on which the rule was set
    python benchmarks/find.py --cases 0                   prints the table of what is kept
    python benchmarks/find.py --cases 20 --anew           by another rule, against the grids that are kept
    python benchmarks/find.py --law 24                    the rate told for 8 times the updates, of so many of them

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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from find_parts.find_cases import HALVES, FindCase, draw_case
from find_parts.lightnings import lightnings_rate, valleys_rate
from find_parts.trained_case import SEEDS, SWEPT, start_of, whole_runs

from lrscope.core.errors import InputError
from lrscope.core.found_rate import Measured
from lrscope.report.analysis.rate_law import find_rate
from lrscope.report.analysis.valley import lowest
from lrscope.report.analysis.wilson import wilson_interval

RESULTS = Path(__file__).resolve().parent / "results" / "find.json"
ENOUGH = 0.1
"""A rate is as good as the best where its regret is no higher."""
OTHER_SEEDS = (3, 4, 5)
LAW_HOLDS = 1.5
"""A rate told for a longer run is right within this factor of the best."""


@dataclass(frozen=True)
class Result:
    """``rate`` None: it was not told, for ``why_not``. ``held``: whether the best swept rate lies in the interval."""

    case: str
    half: str
    optimizer: str
    schedule: str
    updates: int
    best: float
    lightning: float | None
    lightning_regret: float | None
    valley: float | None
    valley_regret: float | None
    luck: float
    """How much higher the loss of the best swept rate is with three other seeds than with its own."""
    swept: list[float]
    """The losses of all swept rates."""
    rate: float | None = None
    regret: float | None = None
    again: float | None = None
    """The regret with those other seeds, for both rates: the best swept one was lucky with its own."""
    held: bool | None = None
    spent: float = math.nan
    why_not: str = ""
    longer: float | None = None
    """The rate told for eight times the updates."""
    longer_best: float | None = None
    """The middle of the valley of whole runs of that length, four rates a decade around it; None: not trained."""
    measured: dict[str, Any] = field(default_factory=dict)
    """What the copies came to: a rule can be tried on it without a training. 1e9 for a loss that is not finite."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20, help="so many cases of the half in all, the kept ones counted")
    parser.add_argument("--half", choices=[*HALVES], default="held-out")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where results are kept")
    parser.add_argument("--anew", action="store_true", help="find the rates of kept cases anew: their grids stay")
    parser.add_argument("--law", type=int, default=0, help="so many cases of the half at 8 times the updates, too")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    kept = [Result(**one) for one in json.loads(chosen.json.read_text())] if chosen.json.is_file() else []
    for number in range(chosen.cases):
        case = draw_case(chosen.half, number)
        place = next((place for place, result in enumerate(kept) if result.case == case.name), None)
        if place is not None:
            if chosen.anew:
                kept[place] = with_found(kept[place], case)
                _keep(kept, chosen.json)
            continue
        try:
            kept.append(train(case, chosen.half))
        except InputError:
            continue  # the run is too short for a find, which says so
        _keep(kept, chosen.json)
        print(f"{case.name}: {kept[-1].rate} of {kept[-1].best}, regret {kept[-1].regret}", flush=True)
    numbers = {draw_case(chosen.half, number).name: number for number in range(chosen.cases)}
    told = [place for place, one in enumerate(kept) if one.case in numbers and one.longer is not None]
    for place in told[: chosen.law]:
        if kept[place].longer_best is None:
            kept[place] = longer(kept[place], draw_case(chosen.half, numbers[kept[place].case]))
            _keep(kept, chosen.json)
            print(f"{kept[place].case}: {kept[place].longer} of {kept[place].longer_best} at 8 times", flush=True)
    print(table([result for result in kept if result.half == chosen.half]))


def _keep(kept: Sequence[Result], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(asdict(result)) for result in kept)
    file.write_text(f"[\n{lines}\n]\n")


def longer(result: Result, case: FindCase) -> Result:
    """With the best rate of whole runs of eight times the updates, one seed each, four rates a decade."""
    assert result.longer is not None
    rates = [float(f"{result.longer * 10 ** (k / 4):.3g}") for k in range(-6, 7)]
    words = tuple(_eight_times(word) for word in case.words)
    losses = [
        min(loss, 1e9) if math.isfinite(loss) else 1e9
        for loss in whole_runs(replace(case, words=words), rates, (0,))[0]
    ]
    found = lowest(rates, losses, max(loss for loss in losses if loss < 1e9) * 1.01)
    return replace(
        result, longer_best=float(f"{10**found.place:.3g}") if found is not None else rates[int(np.argmin(losses))]
    )


def _eight_times(word: str) -> str:
    return f"epochs={8 * int(word.removeprefix('epochs='))}" if word.startswith("epochs=") else word


def train(case: FindCase, half: str) -> Result:
    return with_found(_swept(case, half), case)


def _swept(case: FindCase, half: str) -> Result:
    """What a find is held against, with no rate found yet."""
    lightning, valley = lightnings_rate(case), valleys_rate(case)
    rates = sorted({*SWEPT, *(rate for rate in (lightning, valley) if rate is not None)})
    losses = dict(zip(rates, _means(whole_runs(case, rates)), strict=True))
    best = min(SWEPT, key=losses.__getitem__)
    return Result(
        case=case.name,
        half=half,
        optimizer=case.optimizer,
        schedule=case.schedule,
        updates=start_of(case).start.length,
        best=best,
        lightning=lightning,
        lightning_regret=_regret(losses, lightning, best),
        valley=valley,
        valley_regret=_regret(losses, valley, best),
        luck=_means(whole_runs(case, [best], OTHER_SEEDS))[0] / losses[best] - 1,
        swept=[_short(losses[rate]) for rate in SWEPT],
    )


def with_found(result: Result, case: FindCase) -> Result:
    """The same with the rate that a find tells now, trained to the end."""
    start = start_of(case)
    records = start.train(lambda: None)
    assert records is not None
    measured = start.measured(records)
    found = find_rate(measured, start.slope)
    lowest_loss = min(result.swept)
    ends = [_means(whole_runs(case, [found.lr], seeds))[0] for seeds in (SEEDS, OTHER_SEEDS)] if found.lr else None
    return replace(
        result,
        rate=found.lr,
        regret=ends[0] / lowest_loss - 1 if ends is not None else None,
        again=ends[1] / (lowest_loss * (1 + result.luck)) - 1 if ends is not None else None,
        held=found.best.low <= result.best <= found.best.high if found.best is not None else None,
        spent=found.spent,
        why_not=found.why_not,
        longer=next((one.rate for one in found.longer if one.updates == 8 * found.planned), None),
        measured=_plain(measured),
    )


def _plain(measured: Measured) -> dict[str, Any]:
    return {
        "planned": measured.planned,
        "start": _short(measured.start),
        "constant": _short(measured.constant),
        "rates": [_short(rate) for rate in measured.rates],
        "horizons": [[one.updates, [_short(loss) for loss in one.losses]] for one in measured.horizons],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}") if math.isfinite(value) else 1e9


def _means(losses: Sequence[Sequence[float]]) -> list[float]:
    """Over the seeds; 1e9 where a seed diverged, as JSON has no inf."""
    means = np.mean(np.nan_to_num(np.array(losses), nan=1e9, posinf=1e9), 0)
    return [min(float(mean), 1e9) for mean in means]


def _regret(losses: dict[float, float], rate: float | None, best: float) -> float | None:
    return losses[rate] / losses[best] - 1 if rate is not None else None


def table(results: Sequence[Result]) -> str:
    """In Markdown: a row for each optimizer and schedule."""
    lines = ["| runs | cases | find | median regret | `lr_find` | valley |", "|---|" + "---:|" * 5]
    for optimizer, schedule in sorted({(one.optimizer, one.schedule) for one in results}):
        own = [one for one in results if (one.optimizer, one.schedule) == (optimizer, schedule)]
        counts = [
            _good([getattr(one, name) for one in own]) for name in ("regret", "lightning_regret", "valley_regret")
        ]
        known = [one.regret for one in own if one.regret is not None]
        middle = _share(float(np.median(known))) if known else "–"
        lines.append(f"| {optimizer}, {schedule} | {len(own)} | {counts[0]} | {middle} | {counts[1]} | {counts[2]} |")
    told = [one for one in results if one.regret is not None]
    lines += ["", _words("find", [one.regret for one in told], len(results))]
    lines.append(_words("find, both rates with other seeds", [one.again for one in told], len(results)))
    lines.append(_words("the best swept rate with other seeds", [one.luck for one in results], len(results)))
    lines.append(_words("lr_find", [one.lightning_regret for one in results], len(results)))
    lines.append(_words("valley", [one.valley_regret for one in results], len(results)))
    lines += _law([one for one in results if one.longer is not None and one.longer_best is not None])
    held = sum(bool(one.held) for one in told)
    low, high = wilson_interval(held, len(told)) if told else (0.0, 1.0)
    spent = max((one.spent for one in results if math.isfinite(one.spent)), default=math.nan)
    factors = sorted(one.rate / one.best for one in told if one.rate is not None)
    lines.append(f"- the 80% interval held the best swept rate in {held} of {len(told)} ({low:.0%} to {high:.0%})")
    lines.append(
        f"- the rate told is {np.median(factors) if factors else math.nan:.2g} times the best swept one (median)"
    )
    lines.append(f"- at most {spent:.1%} of the updates of one run per copy; {len(results) - len(told)} not told")
    return "\n".join(lines)


def _good(regrets: Sequence[float | None]) -> int:
    return sum(regret is not None and regret <= ENOUGH for regret in regrets)


def _law(results: Sequence[Result]) -> list[str]:
    """How far the rate told for eight times the updates is from the best one, as a factor."""
    factors = sorted(
        max(r.longer / r.longer_best, r.longer_best / r.longer) for r in results if r.longer and r.longer_best
    )
    if not factors:
        return []
    near = sum(factor <= LAW_HOLDS for factor in factors)
    low, high = wilson_interval(near, len(factors))
    return [
        f"- at 8 times the updates: {near} of {len(factors)} within a factor of {LAW_HOLDS} of the best rate"
        f" ({low:.0%} to {high:.0%}), median factor {factors[len(factors) // 2]:.2f}, worst {factors[-1]:.1f}"
    ]


def _words(name: str, regrets: Sequence[float | None], cases: int) -> str:
    known = [regret for regret in regrets if regret is not None]
    good = _good(known)
    low, high = wilson_interval(good, cases) if cases else (0.0, 1.0)
    middle = float(np.median(known)) if known else math.nan
    return f"- {name}: {good} of {cases} within {ENOUGH:.0%} ({low:.0%} to {high:.0%}), median regret {middle:.1%}"


def _share(regret: float | None) -> str:
    if regret is None:
        return ""
    return f"{regret:.0%}" if regret < 100 else "diverged"


if __name__ == "__main__":
    main()
