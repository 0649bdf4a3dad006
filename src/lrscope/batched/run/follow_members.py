"""What happens to every member at the end of a step and of an epoch, in the order of a single run's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import pytorch_lightning as pl
from torch import Tensor

from lrscope.batched.model.evaluate_members import Evaluations, evaluate
from lrscope.batched.run.batched_module import BatchedModule
from lrscope.batched.run.members import BEFORE, BatchedMember
from lrscope.batched.run.probe_members import look_ahead
from lrscope.core.verdict import Verdict
from lrscope.datasets.data import Data, Part
from lrscope.probe.budget import ProbeBudget
from lrscope.runs.lifecycle import RunEnd
from lrscope.training.callbacks.evaluate_late import LOSS_LATE, LateSteps
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
    """

    def __init__(
        self,
        module: BatchedModule,
        members: Sequence[BatchedMember],
        data: Data,
        example_bytes: int,
        finish: Finish,
        scope: ProbeBudget,
    ) -> None:
        self.module = module
        self.members = list(members)
        self.data = data
        self._cfg = members[0].run.cfg
        self._example_bytes = example_bytes
        self._finish = finish
        self._scope = scope
        self._late = LateSteps(scope.late, module.record.step)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for row, member in enumerate(self.members):
            member.live.best.begin(partial(self._weights, row))
        if self.module.record.step == 0:
            with untouched_generators():
                start = self._evaluate(self.data.train)
            for row, member in enumerate(self.members):
                member.live.begin(start.of(row))
        ended = {row: member.live.stopped_by for row, member in enumerate(self.members) if member.has_ended}
        self._end({row: RunEnd(as_before=True, stopped_by=verdict) for row, verdict in ended.items()})

    def on_train_batch_end(self, *_: object) -> None:
        if self._late.due(step := self.module.record.step - 1):
            for member, loss in zip(self.members, self._evaluate(self.data.train).loss, strict=True):
                member.recorder.values(step, {LOSS_LATE: loss})
        diverged = [row for row in self.module.diverged if Verdict.DIVERGED in self.members[row].live.verdicts]
        for row in diverged:
            self.members[row].live.stopped_by = Verdict.DIVERGED
        self._end({row: RunEnd(stopped_by=Verdict.DIVERGED) for row in diverged})

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.module.record.flush()
        epoch, live = self.module.epoch, self.members[0].live
        train = val = None
        if live.is_evaluated(epoch + 1):
            train = self._evaluate(self.data.train, self._metrics())
            val = self._evaluate(self.data.val, self._metrics()) if self.data.val is not None else None
        ends: dict[int, RunEnd] = {}
        for row, member in enumerate(self.members):
            evaluated = epoch_values(*(found.of(row) if found is not None else None for found in (train, val)))
            member.metrics.update(member.live.end_epoch(epoch + 1, evaluated, partial(self._weights, row)))
            if member.live.stopped_by is not None or member.stops_early(epoch) or epoch + 1 == live.epochs:
                ends[row] = RunEnd(stopped_by=member.live.stopped_by)
        self.module.learner.end_epoch([member.metrics for member in self.members])
        self.module.end_epoch()
        self._end(ends)

    def end_all(self, end: RunEnd) -> None:
        """Close the records of those that are left, with every step that was taken."""
        if self.members:
            with suppress(EveryMemberStopped):
                self._end(dict.fromkeys(range(len(self.members)), end))

    def _end(self, ends: Mapping[int, RunEnd]) -> None:
        """Close the records of these rows and go on without them."""
        if not ends:
            return
        self.module.record.flush()
        test = None
        if self.data.test is not None and self._cfg.callbacks.test and any(end.by_itself for end in ends.values()):
            test = self._evaluate(self.data.test, self._metrics())
        as_planned = [row for row, end in ends.items() if end.as_planned]
        probed = look_ahead(self.module, self.members, as_planned, self._scope, self._example_bytes)
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
        return {BEFORE + name: tensor for name, tensor in self.module.learner.stack.member_state(row).items()}
