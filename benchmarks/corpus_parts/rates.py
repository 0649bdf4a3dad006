"""The rate of each step, as plain functions of the step: what torch's schedulers give, without their objects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEDULES = (
    "step",
    "exponential",
    "exponential",
    "exponential_far_too_long",
    "exponential_far_too_short",
    "cosine",
    "cosine",
    "one_cycle",
    "cyclic",
    "cyclic_never_turning",
    "warmup_cosine",
    "plateau",
)


@dataclass
class Rate:
    """The rate of every step of a run; only ``plateau`` has a memory, fed by ``observe`` once per epoch."""

    kind: str
    peak: float
    steps: int
    per_epoch: int
    factor: float = 1.0
    _best: float = math.inf
    _flat_epochs: int = 0
    used: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The option's name, as a run's config has it."""
        return next((n for n in ("exponential", "cyclic") if self.kind.startswith(n)), self.kind)

    def arguments(self) -> Mapping[str, float]:
        """What a run's config would say of the schedule."""
        if self.name == "exponential":
            return {"decay_rate": 0.96, "decay_steps": self._decay_steps()}
        if self.name == "cyclic":
            return {"step_size_up": self._half_cycle()}
        return {"patience": 5, "factor": 0.5} if self.kind == "plateau" else {}

    def at(self, step: int) -> float:
        """The rate of the update at this step (0 is the first)."""
        rate = self.peak * self._share(step)
        self.used.append(rate)
        return rate

    def observe(self, loss: float) -> None:
        """The validation loss at the end of an epoch: plateau halves after more than 5 epochs without improvement."""
        if loss < self._best * (1 - 1e-4):
            self._best, self._flat_epochs = loss, 0
            return
        self._flat_epochs += 1
        if self.kind == "plateau" and self._flat_epochs > 5:
            self.factor, self._flat_epochs = max(self.factor / 2, 1e-4), 0

    def _share(self, step: int) -> float:
        done = step / self.steps
        if self.kind == "step":
            return 0.1 ** int(3 * done)
        if self.name == "exponential":
            return float(0.96 ** (step / self._decay_steps()))
        if self.kind == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        if self.kind == "warmup_cosine":
            warmup = max(1, self.steps // 10)
            if step < warmup:
                return (step + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.steps - warmup)))
        if self.kind == "one_cycle":
            return _one_cycle(step / max(1, self.steps - 1))
        if self.name == "cyclic":
            position = (step / self._half_cycle()) % 2
            return 0.1 + 0.9 * (position if position <= 1 else 2 - position)
        return self.factor

    def _decay_steps(self) -> float:
        end = {"exponential": 0.03, "exponential_far_too_long": 0.9995, "exponential_far_too_short": 1e-12}[self.kind]
        return self.steps * math.log(0.96) / math.log(end)

    def _half_cycle(self) -> float:
        return self.steps * 1.5 if self.kind == "cyclic_never_turning" else max(2.0, self.steps / 6)


def _one_cycle(done: float) -> float:
    """torch's OneCycleLR: cosine from 1/25 up to the peak at 30%, then down to 1/250,000."""
    if done <= 0.3:
        return 1 / 25 + (1 - 1 / 25) * 0.5 * (1 - math.cos(math.pi * done / 0.3))
    return 4e-6 + (1 - 4e-6) * 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))
