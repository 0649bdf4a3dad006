"""The diagnosis in a training that somebody else runs: it looks on through hooks, and changes nothing.

watch             ``lrscope.watch``: a loop of one's own in PyTorch
lightning, transformers, keras    a callback for each of these, loaded where it is named
looks_on          what these callbacks share
watched_run       what watch gives back: losses in, verdicts out
unwrapped         the model and the optimizers under what wraps them; what is refused
optimizer_steps   counts updates, and reads what each uses, from the optimizers' own hooks
measuring_budget  how much of the time may be measured away
watch_facts       what optimizers and model tell beside the curves
watch_record      where it is recorded: a run of MLflow's that is open, one of its own, or memory
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_CALLBACKS = ("lightning", "transformers", "keras")


def __getattr__(name: str) -> Any:
    """``lrscope.integrations.keras`` without an import of its own: each needs a library that others lack."""
    if name not in _CALLBACKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
