"""A LightningModule that was stopped and resumed ends as one that never stopped: weights, record, what it remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.single_runs import train_whole, train_with_stops
from runs.test_lightning_module import FED, model
from runs.test_resume_loader import assert_same

BLOBS = ("dataset=blobs", "batch_size=200", "epochs=4", "lr=0.05")
"""6 updates an epoch, 24 in all."""


@pytest.mark.parametrize("stops", [[1], [6], [8, 5], [20]])
@pytest.mark.parametrize(
    "command",
    [
        (*model("Logging"), *BLOBS, "model.dropout=0.3", "scheduler=cosine", "optimizer=rmsprop"),
        (*model("Composed"), *BLOBS, "+model.inner={_target_:torch.nn.Tanh}"),
        (*model("OwnRate"), *BLOBS, "optimizer=own"),
        (*model("Adversarial"), *BLOBS, "optimizer=own"),
        (*model("Gathering"), *BLOBS, "optimizer=own"),
        (*model("Counting"), *BLOBS, "trainer.accumulate_grad_batches=2", "callbacks.early_stopping.enabled=true"),
        (*model("Eating"), *FED, "scheduler=plateau", "scheduler.monitor=valid_loss", "scheduler.patience=0",
         "scheduler.threshold=10"),
    ],
    ids=lambda command: command[0].rpartition(".")[2],
)  # fmt: skip
def test_stopped_and_resumed_equals_never_stopped(tmp_path: Path, command: tuple[str, ...], stops: list[int]) -> None:
    whole = train_whole(tmp_path / "whole", *command)
    pieces = train_with_stops(tmp_path / "pieces", stops, *command)
    assert_same(whole, pieces)
