"""Which steps of a training are recorded of which nobody knows how long it will be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lrscope.core.trace import Series, Trace
from lrscope.training.recording.recording_plan import LOSS_POINTS, SIGNAL_POINTS

LOSS = "train/loss"
SIGNALS = ("grad_norm", "update_ratio", "update_cosine", "dead_units")


@dataclass(frozen=True)
class OpenPlan:
    """Every n-th step is kept, and n doubles whenever there would be more than so many of them: a run of a million
    steps keeps some 6,000 losses.

    every: measure signals at every so many steps, whatever comes.
    """

    losses: int = LOSS_POINTS
    signals: int = SIGNAL_POINTS
    every: int | None = None

    def keeps_loss(self, step: int) -> bool:
        return step % _spacing(step, self.losses) == 0

    def keeps_signals(self, step: int) -> bool:
        return step % (self.every or _spacing(step, self.signals)) == 0

    def even(self, trace: Trace, steps: int) -> Trace:
        """The trace of so many steps without the points that only its beginning has: what is averaged over a run must
        not count its first steps twice.
        """
        loss, signals = _spacing(steps - 1, self.losses), self.every or _spacing(steps - 1, self.signals)
        spacings = {LOSS: loss} | {name: signals for name in trace.series if name.split("/")[0] in SIGNALS}
        thinned = {name: _every(trace.get(name), n, steps - 1) for name, n in spacings.items() if name in trace.series}
        return replace(trace, series={**trace.series, **thinned})


def _spacing(step: int, most: int) -> int:
    """The power of two by which the steps up to this one are at most so many."""
    return 1 << max(0, (max(step, 0) // most).bit_length())


def _every(curve: Series, n: int, last: int) -> Series:
    kept = (curve.steps % n == 0) | (curve.steps == last)
    return Series(curve.steps[kept], curve.values[kept])
