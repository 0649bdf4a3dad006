"""A Lightning callback that costs nothing in the hooks it does not use."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

_STEP_HOOKS = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
)


class LeanCallback(pl.Callback):
    """Hides the per-step hooks that a subclass leaves empty.

    Lightning calls every hook of every callback, and an empty one costs 1 to 2 µs; six of them in five callbacks take
    a fifth of the step of a small network. It skips hooks that are not callable.
    """

    def __new__(cls, *_: Any, **__: Any) -> LeanCallback:
        self = super().__new__(cls)
        for hook in _STEP_HOOKS:
            if getattr(cls, hook) is getattr(pl.Callback, hook):
                setattr(self, hook, None)
        return self
