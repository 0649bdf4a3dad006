"""``lrscope.watch`` as a callback of Lightning's: ``Trainer(callbacks=[lrscope.integrations.lightning.Watch()])``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lrscope.core.errors import LrscopeError
from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.diagnosis import canonical_name
from lrscope.diagnosis.readable import Diagnosis
from lrscope.integrations import watched_run
from lrscope.integrations.watch import watch

EVALUATED = ("val/loss", "val/acc", "train/acc")
"""Metrics that an evaluation is told of, under whatever name the module logs them."""


def _callback() -> type:
    """The callback of the package that the caller trains with: ``lightning`` or ``pytorch_lightning``."""
    other: Any = sys.modules.get("lightning.pytorch")
    if other is not None and "pytorch_lightning" not in sys.modules:
        return other.Callback
    from pytorch_lightning import Callback

    return Callback


class Watch(_callback()):  # type: ignore[misc]
    """Looks on while a Trainer fits, prints what became of it, and records into the run of an ``MLFlowLogger``.

    A verdict of ``stop_when`` ends the training as Lightning's early stopping does, without an error.

    Args:
        settings: as for :func:`lrscope.watch`, by keyword.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.watched: watched_run.Watch | None = None
        """Of the fit that runs, or ended last."""

    @property
    def diagnosis(self) -> Diagnosis:
        """What becomes of the training, or became.

        Raises:
            LrscopeError: nothing has been trained yet.
        """
        if self.watched is None:
            raise LrscopeError("nothing has been trained yet: call trainer.fit first")
        return self.watched.diagnosis

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
        if loss is not None and self.watched is not None:
            self._unless_it_stops(trainer, lambda run: run.step(loss))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """The metrics of an evaluation within the training."""
        if self.watched is None or trainer.sanity_checking:
            return
        found: dict[str, Tensor] = {}
        for name, value in trainer.callback_metrics.items():
            if (known := canonical_name(name)) in EVALUATED:
                found[known] = value
        self._unless_it_stops(trainer, lambda run: run.evaluate(**found))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        self._close(None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        self._close(exception)

    def _unless_it_stops(self, trainer: Any, tell: Any) -> None:
        try:
            tell(self.watched)
        except StoppedByVerdict:
            trainer.should_stop = True

    def _close(self, error: BaseException | None) -> None:
        if self.watched is not None and not self.watched.closed:
            self.watched.close(error)
            print(self.watched.diagnosis)


def network_within(module: nn.Module) -> nn.Module:
    """The one child that is trained, where there is but one: a ``training_step`` calls it past the module itself."""
    children = [child for child in module.children() if any(p.requires_grad for p in child.parameters())]
    own = any(p.requires_grad for p in module.parameters(recurse=False))
    return children[0] if len(children) == 1 and not own else module


def _run_of_its_logger(trainer: Any) -> dict[str, str]:
    """The run that Lightning records in MLflow, where it does."""
    for logger in trainer.loggers:
        if type(logger).__name__ == "MLFlowLogger" and trainer.is_global_zero:
            return {"run_id": logger.run_id, "uri": logger._tracking_uri}
    return {}
