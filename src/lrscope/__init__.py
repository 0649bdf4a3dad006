"""lrscope trains PyTorch models over a sweep of learning rates and says which rate to use and why the others failed.

    >>> import lrscope
    >>> run = lrscope.train("model=cnn", lr=0.01)                            # doctest: +SKIP
    >>> sweep = lrscope.sweep("epochs=20", lr=[1, 0.01, 0.0001])             # doctest: +SKIP
    >>> sweep.best.verdict, sweep.recommendation.best                        # doctest: +SKIP
    ('trained', 0.01)

In a loop of your own, ``lrscope.watch(model, optimizer)`` looks on, see :func:`lrscope.integrations.watch.watch`.

Importing it loads neither torch nor MLflow: what is named here is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lrscope.core.moved_names import keep_moved_names

if TYPE_CHECKING:
    from lrscope import integrations as integrations
    from lrscope.api.calls import find as find
    from lrscope.api.calls import sweep as sweep
    from lrscope.api.calls import train as train
    from lrscope.api.found import Find as Find
    from lrscope.api.results import Run as Run
    from lrscope.api.results import Sweep as Sweep
    from lrscope.api.results import diagnose as diagnose
    from lrscope.api.results import load_sweep as load_sweep
    from lrscope.core.stopped_by_verdict import StoppedByVerdict as StoppedByVerdict
    from lrscope.diagnosis.readable import Diagnosis as Diagnosis
    from lrscope.integrations.watch import Watch as Watch
    from lrscope.integrations.watch import watch as watch

keep_moved_names()

_PUBLIC = {
    "train": "lrscope.api.calls",
    "sweep": "lrscope.api.calls",
    "find": "lrscope.api.calls",
    "diagnose": "lrscope.api.results",
    "load_sweep": "lrscope.api.results",
    "watch": "lrscope.integrations.watch",
    "Diagnosis": "lrscope.diagnosis.readable",
    "Find": "lrscope.api.found",
    "Run": "lrscope.api.results",
    "Sweep": "lrscope.api.results",
    "Watch": "lrscope.integrations.watch",
    "StoppedByVerdict": "lrscope.core.stopped_by_verdict",
    "LrscopeError": "lrscope.core.errors",
    "InputError": "lrscope.core.errors",
}
"""Where each public name is defined."""

__all__ = [
    "Diagnosis",
    "Find",
    "InputError",
    "LrscopeError",
    "Run",
    "StoppedByVerdict",
    "Sweep",
    "Watch",
    "diagnose",
    "find",
    "load_sweep",
    "sweep",
    "train",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "integrations":
        return import_module("lrscope.integrations")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
