"""Lightning stops a run within an epoch and resumes it: the weights are those of a run never stopped."""

from __future__ import annotations

import warnings

import pytest
import torch

from lrscope.datasets.data import Part
from lrscope.datasets.index_batches import IndexBatches

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Lightning's own imports
    import pytorch_lightning as pl


class Net(pl.LightningModule):
    """Dropout-free network whose weights depend on every batch it sees; it notes which."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layer = torch.nn.Linear(3, 1)
        self.seen: list[tuple[int, ...]] = []

    def training_step(self, batch, _):
        inputs, targets = batch
        self.seen.append(tuple(targets.squeeze(1).int().tolist()))
        return torch.nn.functional.mse_loss(self.layer(inputs), targets)

    def validation_step(self, batch, _):
        self.log("val", self.training_step(batch, 0))
        self.seen.pop()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


class StopAt(pl.Callback):
    """Saves a checkpoint after that many updates and stops, as an interrupted process does."""

    def __init__(self, step: int, path: str) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


def loader() -> IndexBatches:
    generator = torch.Generator().manual_seed(0)
    part = Part(torch.rand(20, 3, generator=generator), torch.arange(20.0).unsqueeze(1))
    return IndexBatches(part, 3, seed=1)


def fit(net: Net, *callbacks: pl.Callback, validate: bool, path: str | None = None) -> None:
    trainer = pl.Trainer(
        max_epochs=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    val = loader() if validate else None
    trainer.fit(net, loader(), val, ckpt_path=path, weights_only=True if path else None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("validate", [False, True])
@pytest.mark.parametrize("step", [1, 10, 13, 14, 15, 27])
def test_weights_are_bit_equal(tmp_path, step, validate):
    """Seven batches an epoch: the stops are at an epoch's start, middle, last batch and just after it."""
    whole, stopped, resumed = Net(), Net(), Net()
    fit(whole, validate=validate)
    with pytest.raises(SystemExit):
        fit(stopped, StopAt(step, str(tmp_path / "stopped.ckpt")), validate=validate)
    fit(resumed, validate=validate, path=str(tmp_path / "stopped.ckpt"))
    assert len(whole.seen) == 28
    assert stopped.seen + resumed.seen == whole.seen
    for expected, got in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(expected, got)
