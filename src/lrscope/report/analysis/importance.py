"""Which of several swept numbers decides: the importance of each by PED-ANOVA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.data.axes import SEED, number

FEWEST_AXES, FEWEST_SEARCHED = 3, 2
"""Two of a grid are told by its map. A search has no grid."""

FEWEST_GOOD = 5
"""So many members must be counted among the best for the estimate to be stable, as Optuna says of it."""

SHARE_OF_BEST = 0.25
"""The best quarter is looked at: a tenth, Optuna's default, is two or three of a grid's members."""

FEWEST_MEMBERS = 20

MOST_CATEGORIES = 10
"""A grid has few values an axis: each is a category, since between them nothing was tried."""


DECADES_SPANNED = 20.0
"""Values whose highest is this many times the lowest are looked at in the logarithm."""


@dataclass(frozen=True)
class SweptNumber:
    """A swept key whose values are all numbers, and from where to where they go."""

    key: str
    low: float
    high: float

    @property
    def log(self) -> bool:
        return self.low > 0 and self.high / self.low >= DECADES_SPANNED


def swept_numbers(comparison: Comparison) -> tuple[SweptNumber, ...]:
    """The numeric axes of a sweep, in their order; empty where they are too few, or of several sweeps."""
    if len(comparison.sweeps) != 1:
        return ()
    found = []
    for key in comparison.sweeps[0].axes:
        values = [value_of(row, key) for row in comparison.rows]
        known = [value for value in values if value is not None]
        if key != SEED and len(known) == len(values) and len(set(known)) > 1:
            found.append(SweptNumber(key, min(known), max(known)))
    fewest = FEWEST_SEARCHED if comparison.sweeps[0].searched else FEWEST_AXES
    return tuple(found) if len(found) >= fewest else ()


def value_of(row: Row, key: str) -> float | None:
    """What a member has of a swept key, as a number."""
    return number(row.member.settings.get(key, ""))


def importances(comparison: Comparison, axes: Sequence[SweptNumber]) -> dict[str, float] | str:
    """The share of each axis in what makes a member one of the best; or why it cannot be said.

    PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255) compares how the best quarter lies along an axis with all.
    One that a search stopped counts as worse than all that trained to the end, one that failed as worse than all.
    """
    rows = [row for row in comparison.rows if row.member.ended and not row.member.crashed]
    if len(rows) < FEWEST_MEMBERS:
        return f"The importance of each axis is told from {FEWEST_MEMBERS} members on; {len(rows)} came to an end."
    if find_spec("optuna") is None:
        return "The importance of each axis needs Optuna: pip install 'lrscope[search]'."
    if sum(row.trained for row in rows) < FEWEST_GOOD:
        return f"The importance of each axis is told where at least {FEWEST_GOOD} members trained."
    return _by_ped_anova(rows, axes)


def _costs(rows: Sequence[Row]) -> list[float]:
    """The score of each; behind the worst those that were stopped, the earlier the worse, behind them what failed."""
    worst = max(row.score for row in rows if row.trained)
    stops = [row.member.pruned for row in rows]
    latest = max((stop.epoch for stop in stops if stop is not None), default=0)
    behind = [math.inf if stop is None else latest - stop.epoch + stop.place / stop.among for stop in stops]
    return [
        row.score if row.trained else worst + min(own, latest + 1) + 1 for row, own in zip(rows, behind, strict=True)
    ]


def _by_ped_anova(rows: Sequence[Row], axes: Sequence[SweptNumber]) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    over = {axis.key: _distribution(axis, {value_of(row, axis.key) for row in rows}) for axis in axes}
    study = optuna.create_study()
    for row, cost in zip(rows, _costs(rows), strict=True):
        params: dict[str, Any] = {axis.key: value_of(row, axis.key) for axis in axes}
        study.add_trial(optuna.trial.create_trial(params=params, distributions={**over}, value=cost))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=SHARE_OF_BEST, evaluate_on_local=False)
    found: Mapping[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {axis.key: float(found.get(axis.key, 0.0)) for axis in axes}


def _distribution(axis: SweptNumber, values: Set[float | None]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if len(values) <= MOST_CATEGORIES:
        return CategoricalDistribution(sorted(value for value in values if value is not None))
    return FloatDistribution(axis.low, axis.high, log=axis.log)
