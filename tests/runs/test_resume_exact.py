"""A run that was stopped and resumed ends with the weights and the record of one that never stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from runs.single_runs import compose_config, train_whole, train_with_stops

BLOBS = ("dataset=blobs", "batch_size=200", "model.hidden=[6]", "epochs=4")
"""6 updates an epoch, 24 in all."""


@pytest.mark.parametrize("stops", [[1], [6], [7, 4], [12, 6], [22]])
@pytest.mark.parametrize(
    "overrides",
    [
        ("scheduler=exponential", "optimizer=sgd", "optimizer.momentum=0.9"),
        ("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=10"),
        ("scheduler=cyclic", "model.dropout=0.3", "model.batch_norm=true"),
        ("scheduler=step", "scheduler.step_size=1", "callbacks.early_stopping.enabled=true"),
        ("scheduler=one_cycle", "optimizer=rmsprop", "trainer.accumulate_grad_batches=2"),
    ],
    ids=lambda overrides: overrides[0].removeprefix("scheduler="),
)
def test_stopped_and_resumed_equals_never_stopped(tmp_path: Path, overrides: tuple[str, ...], stops: list[int]) -> None:
    whole = train_whole(tmp_path / "whole", *BLOBS, *overrides)
    pieces = train_with_stops(tmp_path / "pieces", stops, *BLOBS, *overrides)
    assert whole.ending.error is None
    assert pieces.ending.error is None
    for name, value in whole.weights.items():
        assert torch.equal(value, pieces.weights[name]), name
    assert pieces.points == whole.points


def test_one_update_an_epoch_resumes_at_the_epoch(tmp_path: Path) -> None:
    line = ("dataset=line", "model=linear", "optimizer=sgd", "lr=0.1", "batch_size=4", "epochs=30")
    whole = train_whole(tmp_path / "whole", *line)
    pieces = train_with_stops(tmp_path / "pieces", [1, 7, 3], *line)
    assert torch.equal(whole.weights["network.weight"], pieces.weights["network.weight"])
    assert pieces.points == whole.points
    assert [step for step, _ in whole.points["train/loss"]] == list(range(30))


def test_lightning_leaves_the_signals_to_lrscope() -> None:
    """It would raise ``SIGTERMException`` at an epoch's end, past every checkpoint: a healthy run ended as FAILED."""
    from signal import SIGTERM, getsignal

    from lrscope.training.trainer import make_trainer

    before = getsignal(SIGTERM)
    trainer = make_trainer(compose_config("dataset=blobs"))
    trainer._signal_connector.register_signal_handlers()
    assert getsignal(SIGTERM) is before
