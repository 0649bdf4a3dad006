"""Holds what is recommended for a sweep against the same rates trained densely with five other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Trace
from lrscope.diagnosis import diagnose_sweep
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.rate_curve import NEAR, Loss, fit_curve
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.stored_sweep import Member, Sweep
from recommendation_parts.sweep_cases import SweepCase

BySeed = Mapping[int, Sequence[Trace]]
"""One trace a rate, by seed."""


@dataclass(frozen=True)
class Judged:
    """``regret`` and the others are in units of what training gained: the loss before it less the lowest of the dense
    sweep. ``smooth`` is the regret by a curve through the dense sweep, whose lowest point is lucky as well; ``noise``
    says that the five seeds do not tell the recommended rate from the best; ``lowest`` is the regret of the rate with
    the lowest best epoch.
    """

    name: str
    rates: int
    seeds: int
    spacing: float
    evidence: str
    contains: bool
    decades: float
    regret: float
    smooth: float
    noise: bool
    lowest: float
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


def judge(case: SweepCase, seen: BySeed, dense: BySeed) -> Judged | None:
    """None where the report recommends nothing: nothing trained, or nothing better than a constant answer."""
    comparison = compare((as_sweep(case, seen),))
    found = recommend(comparison)[0]
    if not isinstance(found.use, float) or found.evidence == "none":
        return None
    assert isinstance(found.low, float) and isinstance(found.high, float)
    rates, losses = np.array(case.dense_rates), dense_losses(dense, comparison.start)
    means, smooth = losses.mean(0), _smooth(case, losses, comparison.start)
    gained = comparison.start - means.min()
    best, nearest = int(means.argmin()), int(np.abs(np.log(rates / found.use)).argmin())
    apart = losses[:, nearest] - losses[:, best]
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
        regret=(_at(found.use, rates, means) - float(means.min())) / gained,
        smooth=(_at(found.use, rates, smooth) - float(smooth.min())) / gained,
        noise=bool(apart.mean() <= 2 * apart.std(ddof=1) / len(apart) ** 0.5),
        lowest=(_at(lowest, rates, means) - float(means.min())) / gained,
        tried=found.tried,
    )


def dense_losses(dense: BySeed, start: float) -> NDArray[np.float64]:
    """What decides, [seeds, rates]: the mean of the validation loss at its best and at the end, at most the start."""
    found = np.full((len(dense), len(next(iter(dense.values())))), start)
    for row, traces in enumerate(dense.values()):
        for column, trace in enumerate(traces):
            values = trace.get("val/loss").values
            if np.isfinite(values[-1]):
                found[row, column] = min((np.nanmin(values) + values[-1]) / 2, start)
    return found


def ceiling(dense: BySeed, start: float) -> bool:
    """Whether the best rate of three seeds of the dense sweep is within 2% by the two others: what luck allows."""
    losses = dense_losses(dense, start)
    others = losses[3:].mean(0)
    chosen = losses[:3].mean(0).argmin()
    return bool(others[chosen] - others.min() <= NEAR * (start - others.min()))


def _smooth(case: SweepCase, losses: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    seen = [
        Loss(rate, seed, float(losses[seed, place]))
        for place, rate in enumerate(case.dense_rates)
        for seed in range(len(losses))
    ]
    curve = fit_curve(seen, float(losses.mean(0).min()), start)
    assert curve is not None
    return np.array([curve.loss_at(rate) for rate in case.dense_rates])


def _at(rate: float, rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    return float(np.interp(np.log(rate), np.log(rates), losses))
