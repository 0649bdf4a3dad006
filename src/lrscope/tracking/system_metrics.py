"""What the machine does while it trains, under MLflow's own names: ``tracking.system_metrics``.

It is sampled where the records are delivered, in a process beside the training. A thread here asks for it now and then,
and records the answer like any other metric of the run (benchmarks/system_metrics.py has what that costs).
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from lrscope.core.from_store import number
from lrscope.core.point import Point
from lrscope.tracking.delivery.service_client import ServiceGone
from lrscope.tracking.delivery.service_process import DeliveryFailed
from lrscope.tracking.journal.run_log import RunLog, now_ms

INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
"""MLflow's own variable: seconds from one sample to the next."""

PREFIX = "system/"
"""MLflow's page shows such metrics on a tab of their own."""

_EVERY_S = 10.0
_FIRST_S = 1.0
"""A short run has a point, too."""


def sample_every_s() -> float | None:
    """Seconds from one sample to the next; None where the environment says no such number."""
    value = number(os.environ.get(INTERVAL) or _EVERY_S)
    return value if value is not None and math.isfinite(value) and value > 0 else None


class SystemMetrics:
    """Samples for one run, from now until it ends, or the service does.

    Args:
        ask: calls a function in the service; what it raises costs one sample.
    """

    def __init__(self, run: RunLog, ask: Callable[[Callable[[], dict[str, float]]], dict[str, float]]) -> None:
        self._run = run
        self._ask = ask
        self._every_s = sample_every_s() or _EVERY_S
        threading.Thread(target=self._loop, daemon=True, name="lrscope-system").start()

    def _loop(self) -> None:
        with suppress(ServiceGone):
            self._sample()  # what is used is measured from one sample to the next
            pause_s = min(_FIRST_S, self._every_s)
            while True:
                time.sleep(pause_s)
                pause_s = self._every_s
                values = self._sample() if self._run.ended is None else {}
                if self._run.ended is not None:
                    return
                self._record(values)

    def _sample(self) -> dict[str, float]:
        with suppress(DeliveryFailed):  # it is busy with a slow store
            return self._ask(sample)
        return {}

    def _record(self, values: dict[str, float]) -> None:
        """Each metric counts its own samples, as MLflow does, and goes on where an earlier process ended."""
        now, last = now_ms(), self._run.last_step
        steps = {key: -1 if (step := last(key)) is None else step for key in values}
        self._run.points([Point(key, steps[key] + 1, value, now) for key, value in values.items()])


def sample() -> dict[str, float]:
    """What MLflow's monitors of processor, memory and GPU say now; of the processor since the last call."""
    found: dict[str, float] = {}
    for monitor in _monitors():
        monitor.collect_metrics()
        found |= {PREFIX + key: float(value) for key, value in monitor.aggregate_metrics().items()}
        monitor.clear_metrics()
    return found


@cache
def _monitors() -> tuple[Any, ...]:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

    found: list[Any] = [CPUMonitor()]
    for kind in (GPUMonitor, ROCMMonitor):
        with suppress(Exception):  # no such GPU, or not the package that asks it
            found.append(kind())
    return tuple(found)
