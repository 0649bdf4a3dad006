"""What a LightningModule logs by ``self.log``, in the record of the run."""

from __future__ import annotations

from typing import Any

from lrscope.training.callbacks.record_logged import RecordLogged


class RecordLoggedValues(RecordLogged):
    """Lightning's logger: each value under the name that the module gave it, at the update that it belongs to."""

    its_own = ("epoch", "lr", "train/loss", "train/loss_epoch", "train/loss_eval", "val/loss", "val/acc")

    @property
    def experiment(self) -> Any:
        """Raises:
        AttributeError: there is none.
        """
        raise AttributeError("lrscope has no logger.experiment: log numbers by self.log")
