"""What happens to every member at the end of an epoch, in the order of a single run's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
import torch

from lrscope.batched.model.evaluate_members import Evaluations, evaluate
from lrscope.batched.run.batched_module import GroupModule
from lrscope.batched.run.members import GroupMember, RowOfStack, as_lightning_has_it, at_epoch
from lrscope.batched.run.probe_members import look_ahead
from lrscope.core.verdict import Verdict
from lrscope.datasets.data import Part
from lrscope.probe.budget import ProbeBudget
from lrscope.runs.lifecycle import RunEnd
from lrscope.training.callbacks.evaluate_epochs import LOSS_START, SPREAD_START
from lrscope.training.callbacks.evaluate_late import LOSS_LATE
from lrscope.training.callbacks.keep_checkpoints import random_state, restore_random_state
from lrscope.training.fast_hooks import LeanCallback

Finish = Callable[[GroupMember, int, RunEnd, Mapping[str, float]], None]
"""Closes the record of a member (and its row) that trains no further, with what its copies came to."""


class EveryMemberStopped(Exception):
    """Nobody is left to train; not an error."""


@dataclass(frozen=True)
class GroupParts:
    """Each part on the training device; None where there is no such part."""

    train: Part
    val: Part | None = None
    test: Part | None = None


class FollowMembers(LeanCallback):
    """Evaluates the members, keeps each one's best weights, and ends those that diverged, are certain to fail
    or have stopped improving. The rest of the stack goes on without them.

    Args:
        dtype: of the losses: a metric that decides anything is rounded to it, as in a single run.
        example_bytes: what a member holds of one example, which bounds the pieces of an evaluation.
        scope: how far the members may look ahead at their ends.
    """

    def __init__(
        self,
        module: GroupModule,
        members: Sequence[GroupMember],
        parts: GroupParts,
        dtype: torch.dtype,
        example_bytes: int,
        finish: Finish,
        dropped: Callable[[list[int]], None],
        scope: ProbeBudget,
    ) -> None:
        self.module = module
        self.members = list(members)
        self.parts = parts
        self._dtype = dtype
        self._example_bytes = example_bytes
        self._finish = finish
        self._dropped = dropped
        self._scope = scope
        self._looked = module.record.step - 1
        """The last step that may have been looked at beside the ends of epochs."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for row, member in enumerate(self.members):
            if not member.best.weights:
                member.best.on_train_start(trainer, self._row(row))  # type: ignore[arg-type]
        if self.module.record.step == 0:
            self._record_start()

    def on_train_batch_end(self, *_: object) -> None:
        self._look_late()
        endings = {
            row: RunEnd(stopped_by=Verdict.DIVERGED)
            for row in self.module.diverged
            if Verdict.DIVERGED in self.members[row].stop.verdicts
        }
        if endings:
            self._end(endings)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        record, epoch = self.module.record, self.module.epoch
        record.flush()
        cfg = self.members[0].run.cfg
        due = (epoch + 1) % cfg.callbacks.evaluate_every_epochs == 0 or epoch + 1 == cfg.epochs
        evaluated = self._evaluate() if due else [{} for _ in self.members]
        endings: dict[int, RunEnd] = {}
        for row, (member, values) in enumerate(zip(self.members, evaluated, strict=True)):
            mean = member.epoch_loss / member.epoch_examples if member.epoch_examples else float("nan")
            member.epoch_loss, member.epoch_examples = 0.0, 0
            values = {"epoch": float(epoch + 1), "train/loss_epoch": mean, **values}
            member.recorder.values(record.step - 1, values)
            member.metrics |= {key: as_lightning_has_it(value, self._dtype) for key, value in values.items()}
            ending = self._judge(member, row, epoch)
            if ending is not None:
                endings[row] = ending
        self.module.learner.end_epoch([member.metrics for member in self.members])
        self.module.end_epoch()
        if endings and epoch + 1 < cfg.epochs:
            self._end(endings)
        elif epoch + 1 == cfg.epochs:
            self._end({row: endings.get(row, RunEnd()) for row in range(len(self.members))})

    def evaluate_test(self, row: int) -> None:
        """Record ``test/*`` of one member, at its last update."""
        if self.parts.test is None:
            return
        found = self._evaluate_part(self.parts.test)
        values = {"test/loss": found.loss[row]}
        if found.accuracy is not None:
            values["test/acc"] = found.accuracy[row]
        self.members[row].recorder.values(self.module.record.step - 1, values)

    def _record_start(self) -> None:
        untouched = random_state()
        start = self._evaluate_part(self.parts.train)
        restore_random_state(untouched)
        for member, loss, spread in zip(self.members, start.loss, start.output_spread, strict=True):
            if member.recorder.last(LOSS_START) is None:
                member.recorder.values(0, {LOSS_START: loss, SPREAD_START: spread})

    def _evaluate(self) -> list[dict[str, float]]:
        train = self._evaluate_part(self.parts.train)
        columns = {"train/loss_eval": train.loss, "output_spread": train.output_spread}
        if train.accuracy is not None:
            columns["train/acc"] = train.accuracy
        if self.parts.val is not None:
            val = self._evaluate_part(self.parts.val)
            columns["val/loss"] = val.loss
            if val.accuracy is not None:
                columns["val/acc"] = val.accuracy
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _evaluate_part(self, part: Part) -> Evaluations:
        return evaluate(self.module.learner.forward, part, self.module.learner.loss, self._example_bytes)

    def _look_late(self) -> None:
        """As ``EvaluateLate`` does."""
        step = self.module.record.step - 1
        if step == self._looked or step not in self._scope.late:
            return
        self._looked = step
        for member, loss in zip(self.members, self._evaluate_part(self.parts.train).loss, strict=True):
            member.recorder.values(step, {LOSS_LATE: loss})

    def _judge(self, member: GroupMember, row: int, epoch: int) -> RunEnd | None:
        """Whether this member ends with this epoch: None where it goes on."""
        now = at_epoch(epoch)
        member.best.on_train_epoch_end(now, self._row(row))  # type: ignore[arg-type]
        member.stop.on_train_epoch_end(now, self.module)
        if member.stop.finding is not None:
            return RunEnd(stopped_by=member.stop.finding.verdict)
        if member.early is not None and member.early.monitor in member.metrics:
            looked_at = torch.tensor(member.metrics[member.early.monitor], dtype=self._dtype)
            enough, member.early.stopping_reason_message = member.early._evaluate_stopping_criteria(looked_at)
            if enough:
                member.early.stopped_epoch = epoch
                return RunEnd()
        return None

    def _end(self, endings: dict[int, RunEnd]) -> None:
        """Close the records of these rows and go on without them."""
        self.module.record.flush()
        as_planned = [row for row, ending in endings.items() if ending.as_planned]
        ahead = look_ahead(self.module, self.members, as_planned, self._scope, self._example_bytes)
        for row, ending in endings.items():
            self._finish(self.members[row], row, ending, ahead.get(row, {}))
        rest = [row for row in range(len(self.members)) if row not in endings]
        self.members = [self.members[row] for row in rest]
        if not rest:
            raise EveryMemberStopped
        self.module.keep(rest)
        self._dropped(rest)

    def _row(self, row: int) -> RowOfStack:
        return RowOfStack(self.module.learner.stack.member_state, row)
