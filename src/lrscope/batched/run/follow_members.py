"""What happens to every member at the end of a step and of an epoch, in the order of a single run's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import pytorch_lightning as pl
from torch import Tensor

from lrscope.batched.model.evaluate_members import Evaluations, evaluate
from lrscope.batched.run.batched_module import BatchedModule
from lrscope.batched.run.members import BatchedMember
from lrscope.batched.run.probe_members import look_ahead
from lrscope.batched.run.searches import StopWorst
from lrscope.core.errors import Interrupted
from lrscope.core.verdict import Verdict
from lrscope.datasets.data import Data, Part
from lrscope.probe.budget import ProbeBudget
from lrscope.runs.lifecycle import RunEnd
from lrscope.search.judging.stop_each import StopEach
from lrscope.training.callbacks.evaluate_late import LOSS_LATE, LateSteps
from lrscope.training.callbacks.stop_at_length import tell_time_is_over
from lrscope.training.evaluation import Evaluation
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.generators import untouched_generators
from lrscope.training.live_run import epoch_values
from lrscope.training.metric_meter import MetricMeter

Finish = Callable[[BatchedMember, int, RunEnd, Evaluation | None, Mapping[str, float]], None]
"""Closes the record of a member (and its row) that trains no further: what the test part and its copies came to."""


class EveryMemberStopped(Exception):
    """Nobody is left to train; not an error."""


class FollowMembers(LeanCallback):
    """Evaluates the members, and ends those that diverged, are certain to fail or have stopped improving. The rest of
    the stack goes on without them.

    Args:
        data: on the training device.
        example_bytes: what a member holds of one example, which bounds the pieces of an evaluation.
        scope: how far the members may look ahead at their ends.
        stops: of a search, ends the worst at its rungs.
    """

    def __init__(
        self,
        module: BatchedModule,
        members: Sequence[BatchedMember],
        data: Data,
        example_bytes: int,
        finish: Finish,
        scope: ProbeBudget,
        stops: StopWorst | StopEach | None = None,
    ) -> None:
        self.module = module
        self.members = list(members)
        self.data = data
        self._cfg = members[0].run.cfg
        self._example_bytes = example_bytes
        self._finish = finish
        self._scope = scope
        self._stops = stops
        self._late = LateSteps(scope.late, module.record.step)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for row, member in enumerate(self.members):
            member.live.best.begin(partial(self._weights, row))
            if member.limit is not None:
                member.limit.start()
        if self.module.record.step == 0:
            with untouched_generators():
                self._begin()
        ended = {row: member.live for row, member in enumerate(self.members) if member.has_ended}
        self._end({row: RunEnd(live.stopped_by, as_before=True, pruned=live.pruned) for row, live in ended.items()})

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        self._look_at_length(trainer)
        if self._late.due(step := self.module.record.step - 1):
            for member, loss in zip(self.members, self._evaluate(self.data.train).loss, strict=True):
                member.recorder.values(step, {LOSS_LATE: loss})
        diverged = [row for row in self.module.diverged if Verdict.DIVERGED in self.members[row].live.verdicts]
        for row in diverged:
            self.members[row].live.stopped_by = Verdict.DIVERGED
        self._end({row: RunEnd(stopped_by=Verdict.DIVERGED) for row in diverged})
        self._behind_step(trainer)
        if self.members[0].live.is_due(self.module.record.step, trainer.should_stop):
            self._evaluate_within()

    def _look_at_length(self, trainer: pl.Trainer) -> None:
        """Have the epoch end here, and all members with it, behind their last update or where their time is over."""
        first, done = self.members[0], self.module.learner.steps
        if first.limit is None or not self.module.learner.between_updates or trainer.should_stop:
            return
        if done >= self._cfg.total_steps:
            trainer.should_stop = True
        elif any(member.limit.is_over for member in self.members if member.limit is not None):
            trainer.should_stop = True
            tell_time_is_over(f"{len(self.members)} members", first.limit, done, self._cfg.total_steps)

    def _evaluate_within(self) -> None:
        """The evaluation behind an update within an epoch, and the end of those that stop at it."""
        self.module.record.flush()
        evaluated, epoch = self._evaluated(), self.module.epoch
        ends: dict[int, RunEnd] = {}
        for row, member in enumerate(self.members):
            weights = partial(self._weights, row)
            member.metrics.update(member.live.evaluate_within(epoch + 1, evaluated[row], weights))
            if member.live.stopped_by is not None or member.stops_early(epoch):
                ends[row] = RunEnd(stopped_by=member.live.stopped_by)
        ends |= self._pruned(self.members[0].live.evaluations, ends)
        for row in ends:
            self.members[row].live.end_epoch(epoch + 1, {}, partial(self._weights, row))
        self._end(ends)

    def _begin(self) -> None:
        """Record what training starts from."""
        start = self._evaluate(self.data.train)
        for row, member in enumerate(self.members):
            member.live.begin(start.of(row))

    def _behind_step(self, trainer: pl.Trainer) -> None:
        """Nothing: what there is to record of a step is."""

    def _evaluated(self) -> list[dict[str, float]]:
        """What the parts come to now, of each member."""
        train = self._evaluate(self.data.train, self._metrics())
        val = self._evaluate(self.data.val, self._metrics()) if self.data.val is not None else None
        rows = range(len(self.members))
        return [epoch_values(train.of(row), val.of(row) if val is not None else None) for row in rows]

    def _end_epoch(self, member: BatchedMember, row: int, evaluated: Mapping[str, float]) -> None:
        weights = partial(self._weights, row)
        member.metrics.update(member.live.end_epoch(self.module.epoch + 1, evaluated, weights))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.module.record.flush()
        epoch, live = self.module.epoch, self.members[0].live
        due = (live.is_evaluated(epoch + 1) or trainer.should_stop) and not live.is_evaluated_here
        evaluated = self._evaluated() if due else [{} for _ in self.members]
        last = epoch + 1 == live.epochs or trainer.should_stop
        ends: dict[int, RunEnd] = {}
        for row, member in enumerate(self.members):
            self._end_epoch(member, row, evaluated[row])
            stops = not live.by_steps and member.stops_early(epoch)
            if member.live.stopped_by is not None or stops or last:
                ends[row] = RunEnd(stopped_by=member.live.stopped_by)
        if not live.by_steps:
            ends |= self._pruned(epoch + 1, ends)
        self.module.learner.end_epoch([member.metrics for member in self.members])
        self.module.end_epoch()
        self._end(ends)

    def _pruned(self, at: int, ends: Mapping[int, RunEnd]) -> dict[int, RunEnd]:
        """The rows that the search stops behind this epoch or evaluation (from 1), beside those that end anyway."""
        if self._stops is None:
            return {}
        for row in ends:
            self._stops.end(self.members[row])
        left = {member.run.local_id: row for row, member in enumerate(self.members) if row not in ends}
        found = {}
        for member, pruned in self._stops.leaving(at, [self.members[row] for row in left.values()]).items():
            self.members[left[member]].live.pruned = pruned
            found[left[member]] = RunEnd(pruned=pruned)
        return found

    def end_all(self, end: RunEnd) -> None:
        """Close the records of those that are left, with every step that was taken."""
        if self.members:
            with suppress(EveryMemberStopped):
                self._end(dict.fromkeys(range(len(self.members)), end))

    def _end(self, ends: Mapping[int, RunEnd]) -> None:
        """Close the records of these rows and go on without them."""
        if not ends:
            return
        for row, end in ends.items():
            if self._stops is not None and end.by_itself and end.pruned is None:
                self._stops.end(self.members[row])
        self.module.record.flush()
        test = None
        if self.data.test is not None and self._cfg.callbacks.test and any(end.by_itself for end in ends.values()):
            test = self._evaluate(self.data.test, self._metrics())
        as_planned = [row for row, end in ends.items() if end.as_planned]
        try:
            probed = look_ahead(self.module, self.members, as_planned, self._scope, self._example_bytes)
        except Interrupted as stop:
            probed = {}
            ends = {**ends, **{row: ends[row].without_probes(stop.signal_number) for row in as_planned}}
        for row, end in ends.items():
            own = test.of(row) if test is not None and end.by_itself else None
            self._finish(self.members[row], row, end, own, probed.get(row, {}))
        rest = [row for row in range(len(self.members)) if row not in ends]
        self.members = [self.members[row] for row in rest]
        if not rest:
            raise EveryMemberStopped
        self.module.keep(rest)

    def _metrics(self) -> list[MetricMeter]:
        return [member.meter for member in self.members if member.meter]

    def _evaluate(self, part: Part, metrics: Sequence[MetricMeter] = ()) -> Evaluations:
        learner = self.module.learner
        return evaluate(learner.forward, part, learner.loss, self._example_bytes, metrics)

    def _weights(self, row: int) -> dict[str, Tensor]:
        before = self.members[row].names.before
        return {before + name: tensor for name, tensor in self.module.learner.stack.member_state(row).items()}
