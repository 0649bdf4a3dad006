"""A user's LightningDataModule beside a LightningModule, as in a Trainer of the user's."""

from __future__ import annotations

import pytorch_lightning as pl

from lrscope.training.fast_hooks import LeanCallback


class AttachData(LeanCallback):
    """Makes ``self.trainer.datamodule`` what the module expects, and lets its hooks on batches be called. It was set up
    when the run was prepared: a second time might draw other examples.
    """

    def __init__(self, data: pl.LightningDataModule | None) -> None:
        self.data = data

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self.data is None:
            return
        trainer.datamodule = self.data  # type: ignore[attr-defined]
        self.data.trainer = trainer
        selector = trainer._data_connector._datahook_selector
        assert selector is not None, "Lightning makes it ahead of every setup"
        selector.datamodule = self.data
