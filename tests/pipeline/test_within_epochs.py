"""Runs of few epochs are evaluated within them, at steps that counts alone decide; training does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from lrscope.callbacks.evaluate import LOSS_WITHIN
from lrscope.evaluation import evaluate, mean_loss
from lrscope.measures import forward_work
from lrscope.recording import WithinEpochs
from lrscope.trace import RunFacts
from pipeline.solo_runs import train_whole, train_with_stops

BLOBS = ("dataset=blobs", "batch_size=200", "model.hidden=[6]", "model.dropout=0.3", "model.batch_norm=true")
"""6 updates an epoch."""


def test_thirty_two_steps_spread_evenly_but_for_the_ends_of_epochs() -> None:
    steps = sorted(WithinEpochs(steps=100, steps_per_epoch=50, examples=1500).after(work=2000))
    # behind ⌈100 k/32⌉ updates, k = 1 … 32; those of k = 16 and 32 are the ends of the epochs
    assert steps[:5] == [3, 6, 9, 12, 15]
    assert len(steps) == 30
    assert not {49, 99} & set(steps)


@pytest.mark.parametrize(
    ("examples", "work", "expected"),
    [
        (10_000, 1, [19, 39, 59, 79]),  # 50,000 examples are five evaluations, the last of them at the end
        (100, 1_000_000, [19, 39, 59, 79]),  # so are 500 million multiply-adds
        (20_000, 1, []),
        (1000, 1_000_000, []),
        (None, 1, []),
    ],
)
def test_large_parts_and_networks_get_fewer_and_then_none(examples: int | None, work: int, expected: list[int]) -> None:
    assert sorted(WithinEpochs(100, 100, examples).after(work)) == expected


def test_none_where_epochs_are_many_or_not_all_are_evaluated() -> None:
    assert WithinEpochs(15 * 10, 10, 100).after(1)
    assert not WithinEpochs(16 * 10, 10, 100).after(1)
    facts = RunFacts(planned_steps=40, steps_per_epoch=10, examples=100)
    assert len(WithinEpochs.of(facts).after(1)) == 28
    assert not WithinEpochs.of(facts, every_epochs=2).after(1)
    assert not WithinEpochs.of(RunFacts()).after(1)


def test_a_run_of_one_update_an_epoch_has_nothing_within() -> None:
    assert not WithinEpochs(10, 1, 100).after(1)


def test_work_counts_each_weight_once_for_each_position() -> None:
    dense = nn.Sequential(nn.Flatten(), nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 10))
    assert forward_work(dense, torch.zeros(3, 1, 8, 8)) == 64 * 25 + 25 * 10
    convolution = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 10))
    assert forward_work(convolution, torch.zeros(1, 1, 8, 8)) == 36 * 54 + 2160


def test_the_loss_alone_is_that_of_a_whole_evaluation() -> None:
    inputs = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(50) % 3
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    batches = [(inputs[:30], targets[:30]), (inputs[30:], targets[30:])]
    whole = evaluate(network, batches, functional.cross_entropy)
    assert mean_loss(network, batches, functional.cross_entropy) == whole.loss
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize("stops", [[], [1], [7, 2], [6]])
def test_a_run_is_evaluated_behind_those_steps_however_often_it_is_resumed(tmp_path: Path, stops: list[int]) -> None:
    points = train_with_stops(tmp_path, stops, *BLOBS, "epochs=2").points
    assert [step for step, _ in points[LOSS_WITHIN]] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert [step for step, _ in points["train/loss_eval"]] == [5, 11]
    assert points[LOSS_WITHIN] == train_whole(tmp_path / "whole", *BLOBS, "epochs=2").points[LOSS_WITHIN]


def test_of_accumulated_batches_only_an_update_is_evaluated(tmp_path: Path) -> None:
    accumulated = ("trainer.accumulate_grad_batches=3", "epochs=3")
    points = train_with_stops(tmp_path, [2], *BLOBS, *accumulated).points
    assert [step for step, _ in points[LOSS_WITHIN]] == [0, 2, 4]  # two updates an epoch


def test_the_evaluation_is_of_the_weights_behind_the_update(tmp_path: Path) -> None:
    """A run that ends where another is evaluated stands at the same loss: a constant rate does not know its end."""
    short = train_whole(tmp_path / "short", *BLOBS, "epochs=1", "trainer.limit_train_batches=4").points
    long = train_whole(tmp_path / "long", *BLOBS, "epochs=1").points
    assert dict(long[LOSS_WITHIN])[3] == pytest.approx(dict(short["train/loss_eval"])[3], rel=1e-6)
