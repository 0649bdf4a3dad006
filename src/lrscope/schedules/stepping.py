"""When a schedule moves: after every update, after every epoch, or on a metric at an epoch's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Interval(StrEnum):
    """How often a schedule is stepped."""

    STEP = "step"
    EPOCH = "epoch"


@dataclass(frozen=True)
class Stepping:
    """How a schedule is stepped; ``monitor`` names the metric that it is given, None where it takes none."""

    interval: Interval
    monitor: str | None = None

    @property
    def words(self) -> str:
        """For people: ``each update``, ``each epoch`` or ``each epoch on val/loss``."""
        often = "each update" if self.interval is Interval.STEP else "each epoch"
        return f"{often} on {self.monitor}" if self.monitor else often


def stepping(schedule: Mapping[str, Any]) -> Stepping:
    """How that schedule says it is stepped; each epoch where it says nothing."""
    return Stepping(Interval(schedule.get("interval") or "epoch"), schedule.get("monitor"))
