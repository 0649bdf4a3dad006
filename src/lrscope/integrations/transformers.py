"""``lrscope.watch`` as a callback: ``transformers.Trainer(callbacks=[lrscope.integrations.transformers.Watch()])``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle
from transformers import TrainerCallback

from lrscope.core.errors import InputError, Problem
from lrscope.integrations.looks_on import LooksOn
from lrscope.integrations.watch import watch


class BatchLosses:
    """The losses that a model gives while it trains, each with the weight that the Trainer gives it in the update.

    With accumulated batches the Trainer divides by their number, or the model itself has divided by the number of
    labels in all of them: the gradient that comes back at a loss says which.
    """

    def __init__(self, model: Any) -> None:
        self._told: list[tuple[Tensor, Tensor]] = []
        self._handle: RemovableHandle = model.register_forward_hook(self._see)

    def take(self) -> Tensor | None:
        """The loss of the update that was just made; None where the model gave none that was trained on."""
        told, self._told = self._told, []
        return sum((loss * weight for loss, weight in told[1:]), told[0][0] * told[0][1]) if told else None

    def close(self) -> None:
        self._handle.remove()

    def _see(self, _module: Any, _inputs: Any, output: Any) -> None:
        loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
        if isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1:
            kept = loss.detach().clone()
            loss.register_hook(lambda weight: self._told.append((kept, weight.detach().reshape(()))))


class Watch(LooksOn, TrainerCallback):
    """Looks on while a Trainer trains, prints what became of it, and records into MLflow's active run where there is
    one.

    The loss of an update is the model's own. Where the Trainer computes it otherwise (``compute_loss_func``, label
    smoothing) it is the one that the Trainer logs, so use ``logging_steps=1`` there. A verdict of ``stop_when`` ends
    the training without an error.

    Args:
        settings: as for :func:`lrscope.watch`, by keyword.
    """

    begun_by = "trainer.train"

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._losses: BatchLosses | None = None
        self._logged_only = True
        self.watched = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The optimizer is there, and nothing has been trained yet.

        Raises:
            InputError: the training cannot be watched.
        """
        self._close()
        model = kwargs["model"]
        _check(args)
        settings = {"total_steps": int(state.max_steps), "name": type(model).__name__, **self._settings}
        self.watched = watch(model, kwargs["optimizer"], **settings)
        self._losses, self._logged_only = BatchLosses(model), True

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """An update was made."""
        loss = self._losses.take() if self._losses is not None else None
        if loss is not None:
            self._logged_only = False
            self._unless_it_stops(lambda run: run.step(loss), partial(_stop, control))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        """The mean loss since the last log, where the model's own is not what is trained on."""
        loss = (logs or {}).get("loss")
        if self._logged_only and loss is not None:
            self._unless_it_stops(lambda run: run.step(float(loss)), partial(_stop, control))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        """The metrics of an evaluation within the training."""
        found = self._known(metrics or {})
        self._unless_it_stops(lambda run: run.evaluate(**found), partial(_stop, control))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._close()

    def _close(self) -> None:
        if self._losses is not None:
            self._losses.close()
            self._losses = None
        self._end_watch()


def _stop(control: Any) -> None:
    control.should_training_stop = True


def _check(args: Any) -> None:
    """Raises:
    InputError: gradients are scaled in a way that says nothing of what a batch weighs.
    """
    if args.fp16 and args.gradient_accumulation_steps > 1:
        rule = "with gradient_accumulation_steps the weight of a batch's loss is hidden by the scaling of fp16"
        raise InputError(Problem("fp16", "True", rule, "Use bf16=True, or no accumulation."))
