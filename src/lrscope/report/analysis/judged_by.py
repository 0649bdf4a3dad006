"""What members are compared by: the loss, or the metric that ``sweep.objective`` names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrscope.core.metric_goal import goal_of
from lrscope.core.trace import Series
from lrscope.report.analysis.estimates import Estimate
from lrscope.report.analysis.member_numbers import Outcome, at_end_and_best, first_loss, train_loss
from lrscope.report.data.stored_sweep import DIRECTION, OBJECTIVE, Member


@dataclass(frozen=True)
class JudgedBy:
    """A metric of every epoch, and whether it is to rise.

    What is compared is its *cost*, of which the lowest is the best: the metric itself, or with the other sign where it
    is to rise. :meth:`value` leads from one to the other and back.
    """

    metric: str
    rises: bool = False

    def value(self, cost: float) -> float:
        """The metric of a cost, and the cost of a metric."""
        return -cost if self.rises else cost

    def estimate(self, costs: Estimate) -> Estimate:
        """Mean and interval of the metric itself."""
        if not self.rises:
            return costs
        return Estimate(-costs.mean, -costs.high, -costs.low, costs.error, costs.n)

    @property
    def is_loss(self) -> bool:
        """Whether it is the loss that is trained, of which constant answers and starts are known."""
        return self.metric in ("val/loss", "train/loss")

    @property
    def better(self) -> str:
        return "higher" if self.rises else "lower"

    @property
    def best_word(self) -> str:
        return "highest" if self.rises else "lowest"

    @property
    def noun(self) -> str:
        """``loss``, else the metric's name: what a difference is one of."""
        return "loss" if self.is_loss else self.metric

    def curve(self, member: Member) -> Series:
        """The costs of a member by step; training losses of batches are smoothed."""
        if self.metric == "train/loss":
            return train_loss(member.trace)
        found = member.trace.get(self.metric)
        return Series(found.steps, -found.values) if self.rises else found

    def of(self, member: Member, outcome: Outcome) -> tuple[float, float]:
        """The cost of a member at its best and at the end; nan where it was not recorded."""
        if self.metric == "val/loss":
            return outcome.best_val, outcome.final_val
        if self.metric == "train/loss":
            return outcome.best_train, outcome.final_train
        final, best = at_end_and_best(self.curve(member))
        return best, final

    def start(self, members: Sequence[Member]) -> float:
        """The cost before training, the median over members; of a metric that nobody measured then, the highest after
        the first epoch. nan where nothing is known.
        """
        if self.is_loss:
            return start_of(members)
        firsts = [float(curve.values[0]) for m in members if len(curve := self.curve(m))]
        return max((value for value in firsts if math.isfinite(value)), default=math.nan)


def judged_by(members: Sequence[Member]) -> JudgedBy:
    """What the members' sweep names, where a member that did not fail has it and all name the same; else the loss:
    ``val/loss`` where any member that did not fail has it, else ``train/loss``.
    """
    usable = [m for m in members if not m.failed] or list(members)
    named = {(m.params.get(OBJECTIVE), m.params.get(DIRECTION)) for m in members}
    if len(named) == 1:
        ((metric, direction),) = named
        if metric not in (None, "val/loss") and any(_finite(m.trace.get(str(metric))) for m in usable):
            return JudgedBy(str(metric), rises=(direction or goal_of(str(metric))) == "max")
    return JudgedBy("val/loss" if any(len(m.trace.get("val/loss")) for m in usable) else "train/loss")


def start_of(members: Sequence[Member]) -> float:
    """The training loss of the first batch, the median over members; nan where nobody recorded it."""
    starts = sorted(value for m in members if math.isfinite(value := first_loss(m.trace)))
    return starts[len(starts) // 2] if starts else math.nan


def _finite(series: Series) -> bool:
    return bool(len(series) and np.isfinite(series.values).any())
