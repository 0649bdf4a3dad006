"""Where the definition of the verdicts looks at a loss that may bounce: at a level, not at single values."""

from __future__ import annotations

import numpy as np

TENTH = 0.1
"""The end of a run is its last tenth."""

EVAL_STEPS = 16
"""Evaluations in the last tenth of a run, in the fifth before it, and in what a copy is trained on for."""


def tenth_of(steps: int) -> int:
    """10% of a run, at least one update."""
    return -(-steps // round(1 / TENTH))


def late_steps(steps: int) -> list[int]:
    """Steps spread evenly over the last tenth of a run, and over the fifth before it; the last step among them."""
    begin = steps - tenth_of(steps)
    return sorted({*eval_steps(begin, steps), *eval_steps(begin - -(-2 * begin // 9), begin)})


def eval_steps(first: int, end: int, count: int = EVAL_STEPS) -> list[int]:
    """At most ``count`` of the steps from ``first`` to ``end`` − 1, evenly, the last among them."""
    return sorted({round(step) for step in np.linspace(first, end - 1, min(count, end - first))}) if end > first else []
