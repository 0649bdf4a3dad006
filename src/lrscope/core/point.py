"""One measured value of one metric: what recording makes and tracking carries."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """``timestamp_ms`` is the time of measurement, taken once: to MLflow it is part of the point's identity."""

    key: str
    step: int
    value: float
    timestamp_ms: int
