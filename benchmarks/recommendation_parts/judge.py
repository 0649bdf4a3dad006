"""Holds what is recommended for a sweep against the same rates trained densely with five other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Trace
from lrscope.diagnosis import diagnose_sweep
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.rate_curve import NEAR
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.stored_sweep import Member, Sweep
from recommendation_parts.sweep_cases import SweepCase

BySeed = Mapping[int, Sequence[Trace]]
"""One trace a rate, by seed."""


@dataclass(frozen=True, eq=False)
class Dense:
    """Validation losses [seeds, rates, epochs] of the dense sweep: of the five seeds that choose its best rate, and of
    further ones, which tell what a rate brings. The lowest of 31 means of five seeds is a lucky one as well; further
    seeds do not know of that luck.
    """

    five: NDArray[np.float64]
    further: NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Regrets are what a rate loses, by the further seeds, against the best rate of the dense sweep with five seeds, in
    units of what training gained. ``regret`` is that of the recommended rate; ``swept`` of whichever rate of the sweep
    is truly best, below which no rule comes that names one of them; ``lowest`` of the rate with the lowest best epoch.
    ``dense_one`` is how often the lowest of the dense sweep with a single seed is within 2%; ``by_five`` the regret
    with the luck of the five seeds left in.
    """

    name: str
    rates: int
    seeds: int
    spacing: float
    evidence: str
    contains: bool
    decades: float
    regret: float
    swept: float
    lowest: float
    dense_one: float
    by_five: float
    tried: bool


def as_sweep(case: SweepCase, seen: BySeed) -> Sweep:
    """The sweep as a report reads it, each member judged beside the others."""
    traces = [trace for of_seed in seen.values() for trace in of_seed]
    verdicts = [diagnosis.verdict for diagnosis in diagnose_sweep(traces)]
    seeds = [seed for seed, of_seed in seen.items() for _ in of_seed]
    members = tuple(
        Member(
            run_id=f"{case.name}-{number}", name="", rate=trace.facts.peak_lr, seed=seed,
            settings={"lr": f"{trace.facts.peak_lr:g}"}, status="FINISHED", verdict=verdict, why="", seconds=1.0,
            trace=trace, params={"lr": repr(trace.facts.peak_lr)},
        )
        for number, (seed, trace, verdict) in enumerate(zip(seeds, traces, verdicts, strict=True))
    )  # fmt: skip
    return Sweep(
        run_id=case.name, experiment_id="", experiment="", name="", store="", status="FINISHED", started=None,
        axes=("lr",), overrides=("lr=1",), planned=None, deleted=0, members=members,
    )  # fmt: skip


def judge(case: SweepCase, seen: BySeed, dense: Dense) -> Judged | None:
    """None where the report recommends nothing: nothing trained, or nothing better than a constant answer."""
    comparison = compare((as_sweep(case, seen),))
    found = recommend(comparison)[0]
    if not isinstance(found.use, float) or found.evidence == "none":
        return None
    assert isinstance(found.low, float) and isinstance(found.high, float)
    five, further = (decides(losses, comparison.start) for losses in (dense.five, dense.further))
    rates, best = np.array(case.dense_rates), int(five.mean(0).argmin())

    def regret(rate: float, losses: NDArray[np.float64]) -> float:
        means = losses.mean(0)
        at = float(np.interp(np.log(rate), np.log(rates), means))
        return (at - float(means[best])) / (comparison.start - float(means[best]))

    cells = [cell for cell in comparison.groups[0].cells if cell.best is not None and isinstance(cell.x, float)]
    lowest = min(cells, key=lambda cell: cell.best.mean if cell.best else 0.0).x
    assert isinstance(lowest, float)
    return Judged(
        name=case.name,
        rates=len(case.rates),
        seeds=case.seeds,
        spacing=case.rates[1] / case.rates[0],
        evidence=found.evidence,
        contains=bool(found.low * (1 - 1e-6) <= rates[best] <= found.high * (1 + 1e-6)),
        decades=float(np.log10(found.high / found.low)),
        regret=regret(found.use, further),
        swept=min(regret(rate, further) for rate in case.rates),
        lowest=regret(lowest, further),
        dense_one=float(np.mean([regret(rates[losses.argmin()], further) <= NEAR for losses in five])),
        by_five=regret(found.use, five),
        tried=found.tried,
    )


def decides(losses: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    """What decides, [seeds, rates]: the mean of the validation loss at its best and at the end, at most the start."""
    end = losses[:, :, -1]
    lowest = np.where(np.isfinite(losses), losses, np.inf).min(2)
    return np.where(np.isfinite(end), np.minimum((lowest + end) / 2, start), start)
