"""Which steps of a run are recorded."""

from __future__ import annotations

from dataclasses import dataclass

LOSS_POINTS = 1000
"""A run keeps at most so many points of ``train/loss`` unless the user asks for every step."""

EVERY_SIGNAL = 500
"""A run of so many updates measures its signals (gradient norm, update ratio …) at every one."""

SIGNAL_POINTS = 350
"""A longer one at most so often: of 400, measuring takes a tenth of a run of the default network in some hours."""


@dataclass(frozen=True)
class RecordingPlan:
    """Every ``every_loss``-th step keeps its loss, every ``every_signals``-th its signals; so do the first and last."""

    total_steps: int
    every_loss: int
    every_signals: int

    @classmethod
    def of(cls, total_steps: int, every_loss: int | None = None, every_signals: int | None = None) -> RecordingPlan:
        """The plan of a run of ``total_steps`` updates; None means as often as the limits on points allow."""
        return cls(
            total_steps,
            every_loss or spacing(total_steps, LOSS_POINTS),
            every_signals or (1 if total_steps <= EVERY_SIGNAL else spacing(total_steps, SIGNAL_POINTS)),
        )

    def keeps_loss(self, step: int) -> bool:
        return step % self.every_loss == 0 or step == self.total_steps - 1

    def keeps_signals(self, step: int) -> bool:
        return step % self.every_signals == 0 or step == self.total_steps - 1


def spacing(total_steps: int, most_points: int) -> int:
    """The smallest n such that steps 0, n, 2n … and the last step are at most ``most_points``.

    ``spacing(1000, 1000) == 1``; ``spacing(1001, 1000) == 2``.
    """
    if total_steps <= most_points:
        return 1
    n = -(-total_steps // most_points)
    while points(total_steps, n) > most_points:
        n += 1
    return n


def points(total_steps: int, every: int) -> int:
    """How many steps are kept when every n-th and the last one are."""
    regular = -(-total_steps // every)
    return regular + ((total_steps - 1) % every != 0)
