from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrscope.diagnosis.aliases import canonical
from lrscope.diagnosis.divergence import is_diverged
from lrscope.trace import Trace
from lrscope.verdict import Diagnosis, Finding, Verdict


@dataclass(frozen=True)
class Thresholds:
    growth: float = 100.0


def diagnose(trace: Trace, thresholds: Thresholds = Thresholds(), others: Sequence[Trace] = ()) -> Diagnosis:  # noqa: B008
    trace = canonical(trace)
    loss = trace.get("train/loss_eval")
    if len(loss) < 2:
        loss = trace.get("train/loss")
    if not len(loss):
        return Diagnosis((Finding(Verdict.UNKNOWN, "no training loss was recorded", "record train/loss"),))
    steps = trace.get("train/loss")
    first, last = float((steps if len(steps) else loss).values[0]), float(loss.values[-1])
    if not np.isfinite(loss.values).all() or is_diverged(last, first, thresholds.growth):
        why = f"train loss went from {first:.4g} to {last:.4g}"
        return Diagnosis((Finding(Verdict.DIVERGED, why, "lower lr at least 10×"),))
    spread = trace.get("output_spread")
    if len(spread) and spread.values[-1] < 1e-3:
        return Diagnosis((Finding(Verdict.COLLAPSED, f"output spread {spread.values[-1]:.3g}", "lower lr at least 10×"),))
    half = loss.values[len(loss) // 2]
    if half - last > 0.05 * (first - last):
        return Diagnosis((Finding(Verdict.TOO_SLOW, f"train loss {last:.4g} still falls", "train longer or raise lr"),))
    return Diagnosis((Finding(Verdict.TRAINED, f"train loss fell from {first:.4g} to {last:.4g}", "keep it"),))


def diagnose_sweep(traces: Sequence[Trace], thresholds: Thresholds = Thresholds()) -> list[Diagnosis]:  # noqa: B008
    return [diagnose(t, thresholds, [o for o in traces if o is not t]) for t in traces]
