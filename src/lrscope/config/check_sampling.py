"""``tracking.system_metrics``: refused where nobody could sample."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from lrscope.core.errors import Problem

KEY = "tracking.system_metrics"


def check_system_metrics(tracking: Any) -> Iterator[Problem]:
    if not tracking.system_metrics:
        return
    if tracking.mode != "online":
        rule = f"is sampled by the process that delivers, which tracking.mode={tracking.mode} does not start"
        yield Problem(KEY, "true", rule, "Leave one of the two out.")
    elif find_spec("psutil") is None:
        yield Problem(KEY, "true", "needs the package psutil", "pip install 'lrscope[system]'")
