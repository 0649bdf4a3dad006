"""``lrscope.watch`` as a callback of Keras 3: ``model.fit(callbacks=[lrscope.integrations.keras.Watch()])``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.integrations.looks_on import LooksOn
from lrscope.integrations.watch import watch


class KerasUpdates(torch.optim.Optimizer):
    """Keras' optimizer as one of torch's, whose step is whatever update is made within it."""

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        return closure()


class Watch(LooksOn, keras.callbacks.Callback):
    """Looks on while ``fit`` trains, prints what became of it, and records into MLflow's active run where there is one.

    As long as it trains, the optimizer's ``scale_loss`` and ``apply`` pass through here: they say the loss of each
    batch and when an update is made. A verdict of ``stop_when`` ends the training as Keras' early stopping does.

    Args:
        settings: as for :func:`lrscope.watch`, by keyword.
    """

    begun_by = "model.fit"

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._settings = settings
        self._optimizer: Any = None
        self._loss: Tensor | None = None
        self.watched = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """The model is built, and nothing has been trained yet.

        Raises:
            InputError: the training cannot be watched.
        """
        self._close()
        optimizer = self.model.optimizer
        _check(self.model, optimizer)
        updates = updates_of(optimizer, self.model)
        planned = (self.params or {}).get("steps")
        known = {"total_steps": planned * self.params["epochs"]} if planned else {}
        settings = {**known, "name": self.model.name, **self._settings}
        self.watched = watch(self.model, updates, **settings)
        self._look_on(optimizer, updates)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """Losses and accuracies on the validation part, where ``fit`` has one."""
        if found := self._known(logs or {}):
            self._unless_it_stops(lambda run: run.evaluate(**found), self._stop)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        self._close()

    def _look_on(self, optimizer: Any, updates: KerasUpdates) -> None:
        scale_loss, apply = optimizer.scale_loss, optimizer.apply

        def seen_loss(loss: Any) -> Any:
            self._loss = loss.detach() if isinstance(loss, Tensor) else loss
            return scale_loss(loss)

        def seen_update(*arguments: Any, **named: Any) -> Any:
            updates.param_groups[0]["lr"] = float(optimizer.learning_rate)
            done = updates.step(lambda: apply(*arguments, **named))
            loss, self._loss = self._loss, None
            if loss is not None:
                self._unless_it_stops(lambda run: run.step(loss), self._stop)
            return done

        self._optimizer = optimizer
        # Past Keras' own attributes, which are part of what a model saves.
        object.__setattr__(optimizer, "scale_loss", seen_loss)
        object.__setattr__(optimizer, "apply", seen_update)

    def _stop(self) -> None:
        self.model.stop_training = True

    def _close(self) -> None:
        if self._optimizer is not None:
            object.__delattr__(self._optimizer, "scale_loss")
            object.__delattr__(self._optimizer, "apply")
            self._optimizer = None
        self._end_watch()


def updates_of(optimizer: Any, model: Any) -> KerasUpdates:
    """The optimizer with what it is called, its rate, momentum and decay, and the parameters that it trains."""
    betas = {"betas": (optimizer.beta_1, optimizer.beta_2)} if hasattr(optimizer, "beta_1") else {}
    group = {
        "lr": float(optimizer.learning_rate),
        "momentum": getattr(optimizer, "momentum", None),
        "nesterov": bool(getattr(optimizer, "nesterov", False)),
        "weight_decay": optimizer.weight_decay,
        **betas,
    }
    named = type(type(optimizer).__name__, (KerasUpdates,), {})
    found: KerasUpdates = named([variable.value for variable in model.trainable_variables], group)
    return found


def _check(model: Any, optimizer: Any) -> None:
    """Raises:
    InputError: Keras computes with something else than torch, compiles the step, or changes gradients out of sight.
    """
    if keras.config.backend() != "torch":
        remedy = "Set KERAS_BACKEND=torch before keras is imported."
        raise InputError(Problem("keras backend", keras.config.backend(), "is not seen: torch's alone is", remedy))
    if model.jit_compile:
        raise InputError(Problem("jit_compile", "True", "no update within it is seen", "compile(jit_compile=False)"))
    scaled = type(optimizer).__name__ == "LossScaleOptimizer" or optimizer.loss_scale_factor is not None
    if scaled or optimizer.gradient_accumulation_steps:
        rule = "scales the loss or accumulates gradients within the optimizer, where they are not seen"
        remedy = "Use mixed_bfloat16 for mixed_float16, or a larger batch."
        raise InputError(Problem("optimizer", type(optimizer).__name__, rule, remedy))
