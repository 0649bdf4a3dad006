"""``lrscope.watch`` as a callback of Lightning's: ``Trainer(callbacks=[lrscope.integrations.lightning.Watch()])``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from lrscope.diagnosis import canonical_name
from lrscope.integrations.looks_on import LooksOn
from lrscope.integrations.watch import watch
from lrscope.training.measures.forward_pass import network_within


def _callback() -> type:
    """The callback of the package that the caller trains with: ``lightning`` or ``pytorch_lightning``."""
    other: Any = sys.modules.get("lightning.pytorch")
    if other is not None and "pytorch_lightning" not in sys.modules:
        return other.Callback
    from pytorch_lightning import Callback

    return Callback


class Watch(LooksOn, _callback()):  # type: ignore[misc]
    """Looks on while a Trainer fits, prints what became of it, and records into the run of an ``MLFlowLogger``.

    A verdict of ``stop_when`` ends the training as Lightning's early stopping does, without an error.

    Args:
        settings: as for :func:`lrscope.watch`, by keyword.
    """

    begun_by = "trainer.fit"
    evaluated = (*LooksOn.evaluated, "train/acc")

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.watched = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The optimizers are there, and nothing has been trained yet."""
        planned = trainer.estimated_stepping_batches
        known = {"total_steps": int(planned)} if 0 < planned < float("inf") else {}
        settings = {**known, **_run_of_its_logger(trainer), "name": type(pl_module).__name__, **self._settings}
        self.watched = watch(network_within(pl_module), list(trainer.optimizers), **settings)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Lightning gives the loss divided by the batches that make an update."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is None:  # manual optimization: what the module logs of its batches
            logged = trainer.callback_metrics.items()
            loss = next((value for name, value in logged if canonical_name(name) == "train/loss"), None)
        elif pl_module.automatic_optimization:
            loss = loss * trainer.accumulate_grad_batches
        if loss is not None:
            self._unless_it_stops(lambda run: run.step(loss), partial(_stop, trainer))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """The metrics of an evaluation within the training."""
        if not trainer.sanity_checking:
            found = self._known(trainer.callback_metrics)
            self._unless_it_stops(lambda run: run.evaluate(**found), partial(_stop, trainer))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        self._end_watch()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        self._end_watch(exception)


def _stop(trainer: Any) -> None:
    trainer.should_stop = True


def _run_of_its_logger(trainer: Any) -> dict[str, str]:
    """The run that Lightning records in MLflow, where it does."""
    for logger in trainer.loggers:
        if type(logger).__name__ == "MLFlowLogger" and trainer.is_global_zero:
            return {"run_id": logger.run_id, "uri": logger._tracking_uri}
    return {}
