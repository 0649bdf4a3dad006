"""One run while it trains, whoever takes its steps: what is recorded of it, and when it ends early."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lrscope.core.pruned import Pruned
from lrscope.core.run_facts import RunFacts
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import is_diverged, live_finding
from lrscope.training.best_weights import BestWeights, Weights
from lrscope.training.evaluation import Evaluation
from lrscope.training.recording import RunRecorder

LOSS_START, SPREAD_START = "train/loss_start", "output_spread_start"
"""What training starts from, one point each at step 0. A first batch tells it too roughly for a verdict: at a small
rate its noise outweighs all that the run moves.
"""


Leaves = Callable[[int], Pruned | None]


def stays(_: int) -> None:
    """Nothing but its own length, early stopping and verdicts ends the run."""


class LiveRun:
    """One run from its first update to its last. Lightning's callbacks call it for a run that trains alone, the batched
    training for each of its members: so both record, keep and decide the same.

    Args:
        best: keeps the best weights, by its metric.
        epochs, every_epochs: each ``every_epochs``-th epoch is evaluated, and always the last of ``epochs``.
        verdicts: those that end a run. grace_epochs: others than *diverged* are looked at only after so many epochs.
        every_steps: evaluated behind every so many updates, and at its end, in place of epochs; the grace is then so
            many evaluations.
        more: metrics that are made of others, see :mod:`lrscope.training.in_units`.
    """

    def __init__(
        self,
        recorder: RunRecorder,
        facts: RunFacts,
        best: BestWeights,
        epochs: int,
        every_epochs: int = 1,
        verdicts: Sequence[Verdict] = (),
        grace_epochs: int = 5,
        more: Callable[[Mapping[str, float]], dict[str, float]] = lambda _: {},
        every_steps: int | None = None,
    ) -> None:
        self.recorder = recorder
        self.best = best
        self.epochs = epochs
        self.verdicts = frozenset(verdicts)
        self._more = more
        self._facts, self._every_epochs, self._grace_epochs = facts, every_epochs, grace_epochs
        self._every_steps = every_steps
        self._evaluated, self.evaluations = 0, 0
        """Updates behind the latest evaluation within an epoch, and how many there were."""
        self.step = 0
        """Updates made and recorded so far."""
        self.stopped_by: Verdict | None = None
        """The verdict that ended it."""
        self.pruned: Pruned | None = None
        """That a search ended it."""
        self.leaves: Leaves = stays
        """Of a search, asked with each epoch (from 1) that the run could go on after, or with each evaluation (from 1)
        where it is evaluated by updates: whether it ends with it.
        """
        self._epoch_loss, self._epoch_examples = 0.0, 0

    def add_steps(self, losses: Sequence[float], rates: Sequence[float], total: float, examples: int) -> None:
        """The next updates. ``total``: the sum of their losses over their ``examples``."""
        self.recorder.steps(self.step, losses, rates)
        self.step += len(losses)
        self._epoch_loss += total
        self._epoch_examples += examples

    def begin(self, train: Evaluation, constant: Mapping[str, float] | None = None) -> None:
        """Record what training starts from, unless an earlier process did.

        Args:
            constant: losses of the best constant answer by metric, where they are no facts that are known beforehand.
        """
        if self.recorder.last(LOSS_START) is None:
            self.recorder.values(0, {LOSS_START: train.loss, SPREAD_START: train.output_spread, **(constant or {})})

    def has_diverged(self) -> bool:
        """Whether the latest loss settles that the run diverged, and that ends it."""
        latest, first = self.recorder.last_loss, self.recorder.first_loss
        if latest is None or first is None or Verdict.DIVERGED not in self.verdicts:
            return False
        return is_diverged(latest, first)

    def is_evaluated(self, epoch: int) -> bool:
        """Whether the parts are evaluated at the end of this epoch (from 1)."""
        return (self._every_steps is None and epoch % self._every_epochs == 0) or epoch == self.epochs

    @property
    def by_steps(self) -> bool:
        """Whether it is evaluated behind so many updates, and not at the ends of epochs."""
        return self._every_steps is not None

    def is_due(self, updates: int, ends: bool) -> bool:
        """Whether the parts are evaluated behind so many updates; where the run ends with them (``ends``), it is at the
        end of its epoch.
        """
        every = self._every_steps
        return every is not None and updates % every == 0 and updates > self._evaluated and not ends

    @property
    def is_evaluated_here(self) -> bool:
        """Whether the parts have been evaluated behind the latest update."""
        return 0 < self._evaluated == self.step

    def evaluate_within(self, epoch: int, evaluated: Mapping[str, float], weights: Weights) -> dict[str, float]:
        """Record what the parts came to behind the latest update, within this epoch (from 1); decide as at its end.

        Returns:
            All metrics of the evaluation.
        """
        self._evaluated, self.evaluations = self.step, self.evaluations + 1
        values = {**evaluated, **self._more(evaluated)}
        self.recorder.values(self.step - 1, values)
        self.best.end_epoch(epoch, values.get(self.best.monitor), weights)
        self.stopped_by = self._certain(self.evaluations)
        if self.stopped_by is None:
            self.pruned = self.leaves(self.evaluations)
        return values

    def end_epoch(self, epoch: int, evaluated: Mapping[str, float], weights: Weights) -> dict[str, float]:
        """Record the metrics of an epoch (from 1) at its last update, keep the weights where they are the best, and
        look whether a verdict ends the run.

        Returns:
            All metrics of the epoch.
        """
        mean = self._epoch_loss / self._epoch_examples if self._epoch_examples else float("nan")
        self._epoch_loss, self._epoch_examples = 0.0, 0
        values = {"epoch": float(epoch), "train/loss_epoch": mean, **evaluated, **self._more(evaluated)}
        self.recorder.values(self.step - 1, values)
        self.best.end_epoch(epoch, values.get(self.best.monitor), weights)
        if not self.by_steps:
            self.stopped_by = self._certain(epoch)
            if self.stopped_by is None and epoch < self.epochs:
                self.pruned = self.leaves(epoch)
        return values

    @property
    def is_over(self) -> bool:
        """Whether a verdict or a search has ended it."""
        return self.stopped_by is not None or self.pruned is not None

    def end(self, test: Evaluation | None) -> None:
        """Record what the test part came to, once."""
        if test is not None and self.recorder.last("test/loss") is None:
            values = part_values("test", test)
            self.recorder.values(self.step - 1, {**values, **self._more(values)})

    def state_dict(self) -> dict[str, Any]:
        epoch = (self._epoch_loss, self._epoch_examples)
        stopped_by = self.stopped_by.label if self.stopped_by is not None else None
        state = {"recorder": self.recorder.state_dict(), "step": self.step, "epoch": epoch, "stopped_by": stopped_by}
        if self.by_steps:
            state["evaluated"] = (self._evaluated, self.evaluations)
        return state | ({"pruned": asdict(self.pruned)} if self.pruned is not None else {})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.recorder.load_state_dict(state["recorder"])
        self.step = state["step"]
        self._epoch_loss, self._epoch_examples = state["epoch"]
        self._evaluated, self.evaluations = state.get("evaluated", (0, 0))
        stopped_by = state.get("stopped_by")
        self.stopped_by = Verdict.from_label(stopped_by) if stopped_by is not None else None
        self.pruned = Pruned.of(state.get("pruned"))

    def _certain(self, epoch: int) -> Verdict | None:
        others = self.verdicts - {Verdict.DIVERGED}
        if not others or epoch < self._grace_epochs:
            return None
        finding = live_finding(self.recorder.trace(self._facts))
        return finding.verdict if finding is not None and finding.verdict in others else None


def epoch_values(train: Evaluation | None, val: Evaluation | None) -> dict[str, float]:
    """The metrics of evaluated parts."""
    values = part_values("train", train) if train is not None else {}
    if train is not None:
        values |= {"train/loss_eval": values.pop("train/loss"), "output_spread": train.output_spread}
    return values | (part_values("val", val) if val is not None else {})


def part_values(part: str, found: Evaluation) -> dict[str, float]:
    """``val/loss``, ``val/acc`` of classes, and the metrics that the config names."""
    accuracy = {} if found.accuracy is None else {f"{part}/acc": found.accuracy}
    return {f"{part}/loss": found.loss, **accuracy, **{f"{part}/{name}": v for name, v in found.metrics.items()}}
