"""What the steps of a stack measured, handed to the members' recorders in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.batched.run.members import BatchedMember
from lrscope.diagnosis.detectors.divergence import CERTAIN_GROWTH, SMALLEST_LOSS
from lrscope.training.callbacks.record_steps import READ_EVERY, SignalChoice
from lrscope.training.measures.group_rates import rates_by_group

KEEP_STEPS = 256
"""On the CPU, losses and signals wait for so many steps, or for the end of the epoch: a call for each step and
member would cost more than the step.
"""

Curve = tuple[list[int], list[Tensor]]
"""Steps, and of each the values of all members."""


class MemberRecord:
    """Losses, rates and signals of the steps since the last ``flush``, [M] each, for the members still trained.

    On an accelerator everything stays there until it is flushed, every ``READ_EVERY`` steps, as in a single run.
    """

    def __init__(
        self, members: Sequence[BatchedMember], signals: SignalChoice, device: torch.device, step: int
    ) -> None:
        self._members = list(members)
        self._chosen = signals
        self._on_cpu = device.type == "cpu"
        self._first = step
        self._losses: list[Tensor] = []
        self._rates: list[Sequence[Sequence[float]]] = []
        self._examples: list[int] = []
        self._counts = members[0].run.cfg.callbacks.count_examples
        self._in_epoch: list[int] = []
        self._signals: dict[str, Curve] = {}
        self._logged: dict[str, Curve] = {}
        self._bounds = self._bounds_of_losses()

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self._first + len(self._losses)

    def add(
        self,
        losses: Tensor,
        rates: Sequence[Sequence[float]],
        examples: int,
        in_epoch: int,
        signals: dict[str, Tensor],
    ) -> list[int]:
        """One update of all members: losses [M], the rates that it used, and what was measured of it.

        Args:
            rates: of each parameter group one a member.
            examples: of this update.
            in_epoch: examples of the epoch up to and with it.

        Returns:
            The rows whose loss says that they have diverged.
        """
        for name, values in signals.items():
            if self._wants(name):
                steps, tensors = self._signals.setdefault(name, ([], []))
                steps.append(self.step)
                tensors.append(values)
        self._losses.append(losses)
        self._rates.append(rates)
        self._examples.append(examples)
        self._in_epoch.append(in_epoch)
        full = len(self._losses) >= (KEEP_STEPS if self._on_cpu else READ_EVERY)
        diverged = self._diverged(losses) if self._on_cpu or full else []
        if full:
            self.flush()
        return diverged

    def log(self, step: int, values: Mapping[str, Tensor]) -> None:
        """What the members themselves logged at a step, [M] each."""
        for name, tensor in values.items():
            steps, tensors = self._logged.setdefault(name, ([], []))
            steps.append(step)
            tensors.append(tensor)

    def flush(self) -> None:
        """Read what is still on the device, and hand it to the recorders."""
        if self._losses:
            self._flush_steps()
        self._hand_over(self._logged)
        self._logged = {}

    def _flush_steps(self) -> None:
        losses = torch.stack(self._losses).double().cpu().numpy()
        rates = list(zip(*(by_group[0] for by_group in self._rates), strict=True))
        sizes = np.array(self._examples, np.float64)[:, None]
        sums, examples = (losses * sizes).sum(0), sum(self._examples)
        for row, member in enumerate(self._members):
            member.live.add_steps(losses[:, row].tolist(), rates[row], float(sums[row]), examples)
            self._record_groups(row, member)
            if self._counts:
                member.recorder.series("examples_in_epoch", range(self._first, self.step), self._in_epoch)
        self._hand_over(self._signals)
        self._first = self.step
        self._losses, self._rates, self._signals = [], [], {}
        self._examples, self._in_epoch = [], []

    def _hand_over(self, curves: Mapping[str, Curve]) -> None:
        read = {name: (steps, torch.stack(tensors, 1).double().tolist()) for name, (steps, tensors) in curves.items()}
        for row, member in enumerate(self._members):
            for name, (steps, values) in read.items():
                member.recorder.series(name, steps, values[row])

    def _record_groups(self, row: int, member: BatchedMember) -> None:
        if len(self._rates[0]) == 1:
            return
        names = list(rates_by_group(member.part.optimizer))
        for step, by_group in enumerate(self._rates, start=self._first):
            member.recorder.group_rates(step, {n: own[row] for n, own in zip(names, by_group, strict=True)})

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these; everything must be flushed."""
        assert not self._losses and not self._logged
        self._members = [self._members[row] for row in rows]
        self._bounds = self._bounds[list(rows)]

    def _wants(self, name: str) -> bool:
        return bool(getattr(self._chosen, name.partition("/")[0]))

    def _diverged(self, losses: Tensor) -> list[int]:
        values = losses.double().cpu().numpy()
        if np.isnan(self._bounds).any():
            self._bounds = np.where(np.isnan(self._bounds), _bound(values), self._bounds)
        fine = (values <= self._bounds) & (values > -np.inf)
        return [] if fine.all() else np.flatnonzero(~fine).tolist()

    def _bounds_of_losses(self) -> NDArray[np.float64]:
        """The loss above which a member has diverged; nan until its first loss is known."""
        first = [member.recorder.first_loss for member in self._members]
        return _bound(np.array([np.nan if loss is None else loss for loss in first], np.float64))


def _bound(first_losses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(CERTAIN_GROWTH * np.maximum(np.abs(first_losses), SMALLEST_LOSS), np.finfo(np.float64).max)
