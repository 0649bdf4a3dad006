"""What becomes of members that are LightningModules at the end of a step and of an epoch: evaluated by their own steps,
with what they log recorded under their names, as ``training/user_module`` does it for a run alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from lrscope.batched.model.evaluate_members import SpreadOfAll
from lrscope.batched.run.follow_members import FollowMembers
from lrscope.batched.run.member_logs import MemberLogs
from lrscope.batched.run.members import BatchedMember
from lrscope.batched.run.step_forward import Seen, StepForward
from lrscope.datasets.data import Part
from lrscope.datasets.index_batches import IndexBatches
from lrscope.diagnosis import canonical_name
from lrscope.diagnosis.signals.chance import LOSS_CONSTANT, VAL_LOSS_CONSTANT
from lrscope.runs.run_length import logged_every
from lrscope.training.live_run import LOSS_START, SPREAD_START
from lrscope.training.user_module.evaluate_module import choose_by_what_is_there
from lrscope.training.user_module.recognised_loss import RecognisedLoss

KNOWN_OF_VAL = ("val/loss", "val/acc")


class FollowModules(FollowMembers):
    """Of a stack whose forward pass is a :class:`StepForward`."""

    def _begin(self) -> None:
        recognised = RecognisedLoss()
        seen = self._of_train(recognised)
        val = self.data.val if self._validates else None
        constant = recognised.constant_losses(val.targets.cpu() if val is not None else None)
        shared = {LOSS_CONSTANT: constant.train, VAL_LOSS_CONSTANT: constant.val}
        for member, own in zip(self.members, seen, strict=True):
            start = {LOSS_START: own.get("train/loss_eval"), SPREAD_START: own.get("output_spread"), **shared}
            if member.recorder.last(LOSS_START) is None:
                member.recorder.values(0, {name: value for name, value in start.items() if value is not None})

    def _behind_step(self, trainer: pl.Trainer) -> None:
        module = self.module
        if not module.learner.between_updates:
            return
        if module.record.step % logged_every(self._cfg) == 0 or trainer.should_stop:
            module.record.log(module.record.step - 1, self._logs.of_step())

    def _evaluated(self) -> list[dict[str, float]]:
        train = self._of_train()
        own = self._logs.looked_at()
        for values in train:
            if "train/acc" in own:  # an accuracy that it logs under this name stands for itself
                values.pop("train/acc", None)
        val = self._of_val() if self.data.val is not None and self._validates else [{} for _ in train]
        found = [{**of_train, **of_val} for of_train, of_val in zip(train, val, strict=True)]
        for member, values in zip(self.members, found, strict=True):
            choose_by_what_is_there(member.live.best, values)
        return found

    def _end_epoch(self, member: BatchedMember, row: int, evaluated: Mapping[str, float]) -> None:
        member.metrics.update(self._looked_at[row])
        super()._end_epoch(member, row, evaluated)
        best, weights = member.live.best, partial(self._weights, row)
        best.end_epoch(self.module.epoch + 1, member.metrics.get(best.monitor), weights)
        last = member.live.step - 1
        member.recorder.values(last, self._of_epoch[row])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._looked_at, self._of_epoch = self._rows(self._logs.looked_at()), self._rows(self._logs.of_epoch())
        super().on_train_epoch_end(trainer, pl_module)
        self._logs.end()

    @property
    def _logs(self) -> MemberLogs:
        assert self.module.logs is not None
        return self.module.logs

    @property
    def _forward(self) -> StepForward:
        forward = self.module.learner.forward
        assert isinstance(forward, StepForward)
        return forward

    @property
    def _validates(self) -> bool:
        return self.members[0].run.source.validates

    def _passes(self, part: Part) -> Iterator[tuple[tuple[Tensor, Tensor], Seen]]:
        """The part's batches, in order, as a run alone takes them."""
        size = min(self._cfg.batch_size or len(part), len(part))
        with self.module.trainer.precision_plugin.forward_context():
            for batch in IndexBatches(part, size, shuffle=False):
                yield batch, self._forward.evaluate_step(batch)

    def _of_train(self, recognised: RecognisedLoss | None = None) -> list[dict[str, float]]:
        """``training/user_module/at_fixed_weights.py`` of all members."""
        means, spread = _Means(), SpreadOfAll()
        for batch, seen in self._passes(self.data.train):
            known = {canonical_name(one.name).partition("/")[2]: one.value for one in seen.logged}
            loss = known.get("loss", seen.losses)
            means.add("train/loss_eval", loss, len(batch[0]))
            means.add("train/acc", known.get("acc"), len(batch[0]))
            if recognised is not None:
                recognised.look(batch, [answers[0] for answers in seen.answers], loss[0] if loss is not None else None)
            for answers in seen.answers:
                if answers.dim() > 2 and answers[0, 0].numel() > 1:
                    spread.add(answers.float(), None)
        found = means.values()
        if spread.seen:
            found["output_spread"] = spread.value()
        rows = self._rows(found)
        return [{k: v for k, v in own.items() if not (k == "output_spread" and math.isnan(v))} for own in rows]

    def _of_val(self) -> list[dict[str, float]]:
        """As Lightning's validation of each would come to; what they log of it is recorded and can be looked at."""
        means, logs = _Means(), MemberLogs("validation_step")
        for batch, seen in self._passes(self.data.val):  # type: ignore[arg-type]
            means.add("val/loss", seen.losses, len(batch[0]))
            logs.add(seen.logged, len(batch[0]))
        looked_at = logs.looked_at()
        known = {canonical_name(name): value for name, value in looked_at.items()}
        found = means.values() | {name: value for name, value in known.items() if name in KNOWN_OF_VAL}
        recorded = self._rows(logs.of_epoch())
        for member, values, own in zip(self.members, recorded, self._rows(looked_at), strict=True):
            member.recorder.values(member.live.step - 1, values)
            member.metrics.update(own)
        return self._rows(found)

    def _rows(self, values: Mapping[str, Any]) -> list[dict[str, float]]:
        """From one tensor [M] a name to one mapping a member."""
        count = len(self.members)
        if not values:
            return [{} for _ in range(count)]
        read = torch.stack([value.cpu().double().expand(count) for value in values.values()]).tolist()
        return [dict(zip(values, own, strict=True)) for own in zip(*read, strict=True)]


class _Means:
    """Means [M] by name, weighted by the examples that each number is of."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, values: Tensor | None, examples: int) -> None:
        if values is None:
            return
        wide = values.cpu().double() * examples
        self._sums[name] = self._sums[name] + wide if name in self._sums else wide
        self._counts[name] = self._counts.get(name, 0) + examples

    def values(self) -> dict[str, Tensor]:
        return {name: total / self._counts[name] for name, total in self._sums.items()}
