"""A run on a user's DataModule that was stopped within an epoch ends as one that never stopped, whatever its loader."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from lrscope.training.resumable_loader import ResumableLoader, resumable
from runs.own_loaders import BATCH, EXAMPLES, Loaders
from runs.single_runs import Trained, train_whole, train_with_stops

SEEN = ("dataset._target_=own_loaders.Loaders", "dataset.name=own", "experiment_name=own", "epochs=3")
PARTS = ("optimizer=sgd", "lr=0.1", "model.hidden=[6]", "model.dropout=0.2", "model.batch_norm=true")
STREAM = ("trainer.limit_train_batches=10",)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("augmented", ("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=10")),
        ("of workers", ()),
        ("with a generator", ()),
        ("stream", STREAM),
        ("stream that ends", STREAM),
        ("iterable", ("trainer.limit_train_batches=7",)),
    ],
)
def test_stopped_and_resumed_equals_never_stopped(tmp_path: Path, kind: str, more: tuple[str, ...]) -> None:
    command = (*SEEN, *PARTS, f"+dataset.kind={kind}", *more)
    whole = train_whole(tmp_path / "whole", *command)
    pieces = train_with_stops(tmp_path / "pieces", [3, 9], *command)
    assert_same(whole, pieces)


def assert_same(whole: Trained, pieces: Trained) -> None:
    assert whole.ending.error is None
    assert pieces.ending.error is None
    assert pieces.points == whole.points
    for name, value in whole.weights.items():
        assert torch.equal(value, pieces.weights[name]), name


def batches_of(loader: ResumableLoader, epoch: int) -> list[list[float]]:
    loader.set_epoch(epoch)
    return [inputs[:, 0].tolist() for inputs, _ in loader]


def test_an_epoch_is_the_same_whatever_was_drawn_before_it() -> None:
    one, other = (ResumableLoader(Loaders("augmented").train_dataloader(), seed=1) for _ in range(2))
    first = batches_of(one, 0)
    torch.rand(100)
    assert batches_of(one, 1) == batches_of(other, 1)
    assert batches_of(other, 0) == first
    assert first != batches_of(one, 1)
    assert first != batches_of(ResumableLoader(one.loader, seed=2), 0)
    assert [len(batch) for batch in first] == [BATCH] * (EXAMPLES // BATCH)


def test_the_training_draws_what_it_would_draw_without_the_loader() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    loader = ResumableLoader(Loaders("stream").train_dataloader(), seed=0)
    drawn = [torch.rand(1) for _ in islice(loader, 3)]
    assert torch.equal(torch.cat(drawn), expected)


def test_one_that_says_by_itself_where_it_stands_is_left_alone() -> None:
    class Own:
        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter(())

        def state_dict(self) -> dict[str, int]:
            return {}

        def load_state_dict(self, state: dict[str, int]) -> None: ...

    loader = Own()
    assert resumable(loader, 0) is loader
