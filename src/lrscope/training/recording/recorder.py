"""Turns what a run measures into the points of its record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lrscope.core.point import Point
from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.training.recording.open_plan import OpenPlan
from lrscope.training.recording.recording_plan import RecordingPlan


class RateCurve:
    """Keeps a curve exactly with few points: its first and last step, and both sides of every change.

    A constant rate costs two points; one that changes at every step costs a point a step.
    """

    def __init__(self, last_step: int | None = None, last_value: float = 0.0, kept_last: bool = False) -> None:
        self.last_step = last_step
        self.last_value = last_value
        self.kept_last = kept_last

    def state(self) -> tuple[int | None, float, bool]:
        """What makes the same curve go on in another process: the arguments of this class."""
        return self.last_step, self.last_value, self.kept_last

    def add(self, step: int, value: float) -> list[tuple[int, float]]:
        """The points that this value makes necessary, in order of their steps."""
        kept: list[tuple[int, float]] = []
        changed = self.last_step is None or value != self.last_value
        if changed:
            kept = [*self.end(), (step, value)]
        self.last_step, self.last_value, self.kept_last = step, value, changed
        return kept

    def end(self) -> list[tuple[int, float]]:
        """The last point, where it is not kept yet."""
        if self.last_step is None or self.kept_last:
            return []
        self.kept_last = True
        return [(self.last_step, self.last_value)]


class RunRecorder:
    """The record of one run: decides what is kept, hands it to ``sink``, and remembers it for the diagnosis.

    Solo callbacks and members trained together feed the same methods, so both leave the same record. ``attach`` is
    called once the run has a record to write to; until then points are only remembered.
    """

    def __init__(self, plan: RecordingPlan | OpenPlan) -> None:
        self.plan = plan
        self._sink: Callable[[Sequence[Point]], None] = _nowhere
        self._recorded: Callable[[str], int | None] | None = None
        self.to_disk: Callable[[], None] = _nothing
        """Returns when everything recorded so far is on disk: called ahead of each checkpoint."""
        self._rate = RateCurve()
        self._group_rates: dict[str, RateCurve] = {}
        """By the name of a parameter group, where an optimizer has several."""
        self._last_loss: tuple[int, float] | None = None
        self.first_loss: float | None = None
        """Loss of the first batch: the measure of growth without bound."""
        self._kept: dict[str, tuple[list[int], list[float]]] = {}

    def attach(
        self,
        sink: Callable[[Sequence[Point]], None],
        to_disk: Callable[[], None],
        recorded: Callable[[str], int | None] | None = None,
    ) -> None:
        """Write to a record from now on. ``recorded``: the last step of a metric that it holds already; what a
        checkpoint remembers behind that, it is given.
        """
        self._sink, self.to_disk, self._recorded = sink, to_disk, recorded
        self._make_up()

    def steps(self, first_step: int, losses: Sequence[float], rates: Sequence[float]) -> None:
        """The losses of the batches of consecutive updates, and the rates that they use: ``losses[i]`` and ``rates[i]``
        belong to ``first_step + i``.
        """
        now = _now_ms()
        points: list[Point] = []
        for offset, (loss, rate) in enumerate(zip(losses, rates, strict=True)):
            step = first_step + offset
            if rate != self._rate.last_value or self._rate.last_step is None:
                points.extend(Point("lr", s, value, now) for s, value in self._rate.add(step, rate))
            else:
                self._rate.last_step, self._rate.kept_last = step, False
            if self.plan.keeps_loss(step):
                points.append(Point("train/loss", step, loss, now))
        if losses:
            self.first_loss = losses[0] if self.first_loss is None else self.first_loss
            self._last_loss = (first_step + len(losses) - 1, losses[-1])
        self._keep(points)

    def loss(self, step: int, loss: float) -> None:
        """The loss of an update, whose rate :meth:`rates` was given; between them any number may have none."""
        self.first_loss = loss if self.first_loss is None else self.first_loss
        self._last_loss = (step, loss)
        if self.plan.keeps_loss(step):
            self._keep([Point("train/loss", step, loss, _now_ms())])

    def rates(self, step: int, rate: float, groups: Mapping[str, float]) -> None:
        """The rate of an update, and of each parameter group by name, where its loss comes later, or not at all."""
        now = _now_ms()
        self._keep([Point("lr", s, value, now) for s, value in self._rate.add(step, rate)])
        self.group_rates(step, groups)

    def group_rates(self, step: int, rates: Mapping[str, float]) -> None:
        """The rate that an update uses in each parameter group, recorded as ``lr/NAME``."""
        now = _now_ms()
        for name, rate in rates.items():
            curve = self._group_rates.setdefault(name, RateCurve())
            self._keep([Point(f"lr/{name}", s, value, now) for s, value in curve.add(step, rate)])

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Signals of a step, or the metrics of an epoch at its last update; None of it is thinned out here."""
        now = _now_ms()
        self._keep([Point(key, step, float(value), now) for key, value in values.items()])

    def series(self, key: str, steps: Iterable[int], values: Iterable[float]) -> None:
        """Several values of one metric at once."""
        now = _now_ms()
        self._keep([Point(key, step, float(value), now) for step, value in zip(steps, values, strict=True)])

    def end(self) -> None:
        """The run has ended as it is: the last rate and the last loss are kept whatever the plan says."""
        now = _now_ms()
        points = [Point("lr", step, value, now) for step, value in self._rate.end()]
        for name, curve in self._group_rates.items():
            points += [Point(f"lr/{name}", step, value, now) for step, value in curve.end()]
        if self._last_loss is not None and self._last_loss[0] != self._last_step("train/loss"):
            points.append(Point("train/loss", *self._last_loss, now))
        self._keep(points)

    def trace(self, facts: RunFacts) -> Trace:
        """Everything kept so far, as arrays."""
        return Trace(
            {
                key: Series(np.asarray(steps, np.int64), np.asarray(values, np.float64))
                for key, (steps, values) in self._kept.items()
            },
            facts,
        )

    @property
    def last_loss(self) -> float | None:
        """Loss of the latest batch, kept or not."""
        return self._last_loss[1] if self._last_loss is not None else None

    def last(self, key: str) -> float | None:
        """The latest value of a metric."""
        kept = self._kept.get(key)
        return kept[1][-1] if kept else None

    def names(self) -> set[str]:
        """The metrics that have a value."""
        return set(self._kept)

    def state_dict(self) -> dict[str, Any]:
        """Plain lists and numbers only, so that a checkpoint loads with ``weights_only=True``."""
        return {
            "kept": {key: (list(steps), list(values)) for key, (steps, values) in self._kept.items()},
            "rate": self._rate.state(),
            "group_rates": {name: curve.state() for name, curve in self._group_rates.items()},
            "last_loss": self._last_loss,
            "first_loss": self.first_loss,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._kept = {key: (list(steps), list(values)) for key, (steps, values) in state["kept"].items()}
        self._rate = RateCurve(*state["rate"])
        self._group_rates = {name: RateCurve(*curve) for name, curve in state.get("group_rates", {}).items()}
        self._last_loss = tuple(state["last_loss"]) if state["last_loss"] else None
        self.first_loss = state["first_loss"]
        self._make_up()

    def _make_up(self) -> None:
        """A record can end before the checkpoint does: whatever cut it off."""
        if self._recorded is None:
            return
        now = _now_ms()
        for key, (steps, values) in self._kept.items():
            last = self._recorded(key)
            pairs = zip(steps, values, strict=True)
            if points := [Point(key, step, value, now) for step, value in pairs if last is None or step > last]:
                self._sink(points)

    def _keep(self, points: Sequence[Point]) -> None:
        if not points:
            return
        for point in points:
            steps, values = self._kept.setdefault(point.key, ([], []))
            steps.append(point.step)
            values.append(point.value)
        self._sink(points)

    def _last_step(self, key: str) -> int | None:
        kept = self._kept.get(key)
        return kept[0][-1] if kept else None


def _nowhere(_points: Sequence[Point]) -> None:
    pass


def _nothing() -> None:
    pass


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
