"""The detectors, each looks for one verdict: ``DETECTORS``, in the order of precedence.

Only :mod:`lrscope.diagnosis` uses them. They know signals and verdicts, and nothing of where a run was trained or
stored. A file that is put here is found: what it looks for is its class attribute ``verdict``.

    detector      what all of them are
    divergence, collapse, oscillation, overfitting, stall, slowness, trained    one verdict each
    schedule      never moved, and ran out
    schedule_words, rate_advice    what to do about a schedule, in its own keys; about a rate, in words and as a number
    losses_told    losses with as many digits as it takes to see that they differ
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from lrscope.core.verdict import Verdict
from lrscope.diagnosis.detectors.detector import Detector

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

DETECTORS: tuple[Detector, ...] = tuple(
    sorted((kind() for kind in Detector.__subclasses__()), key=lambda detector: list(Verdict).index(detector.verdict))
)
"""With the bounds that their fields have by default."""
