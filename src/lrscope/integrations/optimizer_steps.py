"""Updates as the optimizers make them, whoever calls them: counted, and their rates, gradients and lengths read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from lrscope.integrations.measuring_budget import MeasuringBudget
from lrscope.integrations.unwrapped import trained_by
from lrscope.training.measures import UpdateMeter, grad_norm, rates_by_group
from lrscope.training.measures.forward_pass import ForwardPass

MOST_PARAMETERS = 50_000_000
"""The length of an update is measured of networks up to this size: it takes two copies of all weights."""

Signals = dict[str, Tensor]
Measures = Callable[[int], bool]
"""Whether the signals of an update are wanted."""


class OptimizerSteps:
    """Looks on while optimizers step.

    An update is a round: with several optimizers it ends when one of them steps for the second time. Its gradient is
    read behind the step, where it is the one that was used: unscaled, clipped, of a closure's last evaluation.

    Args:
        passes: looks at forward passes; None where no hook of a module is seen.
        wanted: which updates are measured, as far as the budget allows.
        on_rate: called at each update with its number (from 0) and the rate of the first group, and of each group by
            name where there are several.
    """

    def __init__(
        self,
        optimizers: tuple[Optimizer, ...],
        passes: ForwardPass | None,
        wanted: Measures,
        budget: MeasuringBudget,
        on_rate: Callable[[int, float, dict[str, float]], None],
    ) -> None:
        self.updates = 0
        """Made, or begun, so far."""
        self._optimizers, self._passes, self._wanted = optimizers, passes, wanted
        self._budget, self._on_rate = budget, on_rate
        self._made = [0] * len(optimizers)
        self._several = len(optimizers) > 1 or len(optimizers[0].param_groups) > 1
        self._names = _names(optimizers)
        trained = [p for optimizer in optimizers for p in trained_by(optimizer)]
        small = 0 < sum(p.numel() for p in trained) <= MOST_PARAMETERS
        alike = len({(p.dtype, p.device) for p in trained}) == 1
        self._meter = UpdateMeter(trained) if small and alike else None
        self._signals: dict[int, Signals] = {}
        self._norms: list[Tensor] = []
        self._this, self._next = self._decide(0), self._decide(1)
        self._open = self._listening = False
        self._handles: list[RemovableHandle] = []
        for number, optimizer in enumerate(optimizers):
            self._handles.append(optimizer.register_step_pre_hook(self._before(number)))
            self._handles.append(optimizer.register_step_post_hook(self._after))
        self._listen()

    def take_signals(self) -> dict[int, Signals]:
        """What was measured since the last call, by update, as tensors that may lie on an accelerator."""
        self.finish()
        taken, self._signals = self._signals, {}
        return taken

    def passed(self) -> None:
        """Of an update that several batches make, the first has passed forward."""
        if self._listening:
            self._read_passes(self.updates)

    def finish(self) -> None:
        """The update that was begun is over."""
        if not self._open:
            return
        self._open = False
        update = self.updates - 1
        if self._this or self._next:
            with self._budget.spend(), torch.no_grad():
                self._finish(update)
        self._this, self._next = self._next, self._decide(self.updates + 1)
        self._listen()

    def close(self) -> None:
        """Take every hook away."""
        self.finish()
        if self._listening and self._passes is not None:
            self._passes.read()
            self._listening = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _decide(self, update: int) -> bool:
        return self._wanted(update) and self._budget.allows(update)

    def _listen(self) -> None:
        if self._this and self._passes is not None:
            self._passes.listen()
            self._listening = True

    def _read_passes(self, update: int) -> None:
        self._listening = False
        assert self._passes is not None
        with self._budget.spend():
            self._signals.setdefault(update, {}).update(self._passes.read())

    def _before(self, number: int) -> Callable[..., None]:
        def hook(_optimizer: Optimizer, _arguments: Any, _named: Any) -> None:
            self._made[number] += 1
            if self._made[number] <= self.updates:
                return  # another optimizer's step of the same update
            self.finish()
            self.updates += 1
            self._open = True
            self._on_rate(self.updates - 1, float(self._optimizers[0].param_groups[0]["lr"]), self._rates())
            if self._meter is not None and (self._this or self._next):
                with self._budget.spend(), torch.no_grad():
                    self._meter.before(self._this, self._next)

        return hook

    def _after(self, optimizer: Optimizer, _arguments: Any, _named: Any) -> None:
        if self._listening:
            self._read_passes(self.updates - 1)
        if self._this and self._open:
            with self._budget.spend(), torch.no_grad():
                self._norms.append(grad_norm(trained_by(optimizer)))
        if len(self._optimizers) == 1:
            self.finish()

    def _finish(self, update: int) -> None:
        signals = self._signals.setdefault(update, {}) if self._this else {}
        if self._norms:
            norm = torch.linalg.vector_norm(torch.stack([n.to(self._norms[0].device) for n in self._norms]))
            signals["grad_norm"] = norm if len(self._norms) > 1 else self._norms[0]
            self._norms = []
        reading = self._meter.after() if self._meter is not None else None
        if reading is not None:
            signals["update_ratio"] = reading.ratio
            if reading.cosine is not None:
                signals["update_cosine"] = reading.cosine

    def _rates(self) -> dict[str, float]:
        if not self._several:
            return {}
        named: dict[str, float] = {}
        for name, optimizer in zip(self._names, self._optimizers, strict=True):
            rates = rates_by_group(optimizer)
            alone = len(rates) == 1 and name
            named |= {(name if alone else f"{name}/{group}").strip("/"): rate for group, rate in rates.items()}
        return named


def _names(optimizers: tuple[Optimizer, ...]) -> list[str]:
    """Their classes, with a number where two are of one; a single one needs no name."""
    if len(optimizers) == 1:
        return [""]
    kinds = [type(optimizer).__name__ for optimizer in optimizers]
    return [kind if kinds.count(kind) == 1 else f"{kind}_{number}" for number, kind in enumerate(kinds)]
