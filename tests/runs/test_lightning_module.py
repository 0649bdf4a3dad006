"""A LightningModule of the user's as the model: its steps and metrics are its own, the record is that of every run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.datasets.index_batches import IndexBatches
from lrscope.runs.prepare import prepare
from lrscope.training import build
from runs.own_modules import Plain
from runs.single_runs import compose_config, single_run, train_whole
from runs.test_own_parts import try_out

BLOBS = ("dataset=blobs", "batch_size=200", "epochs=3", "optimizer=sgd", "lr=0.5")
"""6 updates an epoch, 18 in all; 200 examples validate."""
COSINE = ("scheduler=cosine", "scheduler.T_max=18")


def model(name: str) -> tuple[str, ...]:
    return (f"model._target_=own_modules.{name}",)


def test_equals_a_bare_loop_at_every_step(tmp_path: Path) -> None:
    """The slow twin: torch alone, over the same batches."""
    trained = train_whole(tmp_path, *model("Plain"), *BLOBS, *COSINE)
    cfg = compose_config(*BLOBS)
    data = build.source(cfg).data
    assert data is not None and data.val is not None
    build.seed_everything(0)
    twin = Plain(data.input_shape, data.outputs)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.5)
    losses, starts, vals = [], [], []
    batches = IndexBatches(data.train, 200, 0)
    rates = [0.5 * (1 + math.cos(math.pi * step / 18)) / 2 for step in range(18)]
    for epoch in range(3):
        batches.set_epoch(epoch)
        for batch in batches:
            optimizer.param_groups[0]["lr"] = rates[len(losses)]
            loss = twin.training_step(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        with torch.no_grad():
            vals.append(float(functional.cross_entropy(twin(data.val.inputs), data.val.targets)))
            starts.append(float(functional.cross_entropy(twin(data.train.inputs), data.train.targets)))
    points = trained.points
    assert trained.ending.error is None
    assert points["lr"] == [(step, pytest.approx(rate, rel=1e-12)) for step, rate in enumerate(rates)]
    assert points["train/loss"] == [(step, pytest.approx(loss, rel=1e-5)) for step, loss in enumerate(losses)]
    assert points["val/loss"] == [(6 * k + 5, pytest.approx(vals[k], rel=1e-5)) for k in range(3)]
    assert points["train/loss_eval"] == [(6 * k + 5, pytest.approx(starts[k], rel=1e-5)) for k in range(3)]
    means = [sum(losses[6 * k : 6 * k + 6]) / 6 for k in range(3)]
    assert points["train/loss_epoch"] == [(6 * k + 5, pytest.approx(means[k], rel=1e-5)) for k in range(3)]
    assert {"grad_norm", "update_ratio", "update_cosine", "dead_units", "output_spread"} <= points.keys()


def test_what_it_logs_stands_under_its_own_names_where_it_asked(tmp_path: Path) -> None:
    points = train_whole(tmp_path, *model("Logging"), *BLOBS).points
    ends = [5, 11, 17]
    assert points["my/loss_step"] == points["train/loss"]
    assert [step for step, _ in points["my/loss_epoch"]] == ends
    assert [value for _, value in points["my/loss_epoch"]] == pytest.approx([v for _, v in points["train/loss_epoch"]])
    assert points["my/seen"] == [(step, 200.0 * (step + 1)) for step in range(18)], "no evaluation is counted"
    assert [step for step, _ in points["my/train_acc"]] == ends
    assert points["val_loss"] == points["val/loss"]
    assert points["val_acc"] == points["val/acc"]
    assert points["late_score"] == [(5, 0.0), (11, 1.0), (17, 2.0)]
    assert [step for step, _ in points["train/acc"]] == ends


def test_is_judged_and_noted_like_any_run(tmp_path: Path) -> None:
    outcome = try_out(tmp_path, *model("Logging"), *BLOBS, "epochs=20")
    assert not isinstance(outcome, list), outcome
    assert outcome.verdict and outcome.why
    assert {"train/loss_epoch", "train/loss_eval", "train/acc", "val/loss", "val/acc"} <= outcome.final.keys()


FED = ("dataset._target_=own_modules.Fed", "dataset.name=fed", "experiment_name=fed", "epochs=4", "lr=0.1")


@pytest.mark.parametrize("form", ["dict", "triple", "encoding"])
def test_its_batches_may_be_anything(tmp_path: Path, form: str) -> None:
    trained = train_whole(tmp_path, *model("Eating"), *FED, f"+dataset.form={form}")
    assert trained.ending.error is None, trained.ending.error
    points = trained.points
    assert [step for step, _ in points["train/loss"]] == list(range(24))
    assert points["train/loss_eval"][-1][1] < points["train/loss_start"][0][1]
    assert points["val/loss"] == points["valid_loss"]
    assert points["arrived"][0] == (5, 1.0), "its data module's hooks are called"


@pytest.mark.parametrize(
    "words",
    [
        ("callbacks.checkpoint.monitor=quality/val_score",),
        ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.monitor=quality/val_gap",
         "callbacks.early_stopping.mode=min", "callbacks.early_stopping.patience=0",
         "callbacks.early_stopping.min_delta=10"),
        ("scheduler=plateau", "scheduler.monitor=quality/val_gap", "scheduler.mode=min", "scheduler.patience=0",
         "scheduler.threshold=10"),
    ],
)  # fmt: skip
def test_anything_that_it_logs_can_be_monitored(tmp_path: Path, words: tuple[str, ...]) -> None:
    outcome = try_out(tmp_path, *model("Eating"), *FED, *words)
    assert not isinstance(outcome, list), outcome
    assert not outcome.crashed, outcome.why
    assert outcome.steps == (12 if "early" in words[0] else 24)


def test_the_best_epoch_is_that_of_the_metric_that_was_chosen(tmp_path: Path) -> None:
    words = ("callbacks.checkpoint.monitor=late_score", "epochs=3")
    settings = *model("Logging"), *BLOBS, *words
    single = single_run(tmp_path, *settings)
    assert (single.live.best.monitor, single.live.best.epoch, single.live.best.score) == ("late_score", 3, -2.0)


def test_what_nobody_logs_is_refused_once_that_is_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such metric was recorded by the end of epoch 1\. There are "):
        train_whole(tmp_path, *model("Logging"), *BLOBS, "callbacks.checkpoint.monitor=val_accuracy_of_mine")


@pytest.mark.parametrize(("name", "monitor"), [("Silent", "train/loss_eval"), ("OnlyScores", "train/loss_epoch")])
def test_without_a_validation_loss_the_best_epoch_is_that_of_a_training_loss(
    tmp_path: Path, name: str, monitor: str
) -> None:
    single = single_run(tmp_path, *model(name), *BLOBS)
    assert single.live.best.monitor == monitor
    assert single.live.best.epoch > 0


def test_a_loss_that_is_known_here_has_a_constant_answer(tmp_path: Path) -> None:
    """Found by its values, batch for batch; what it comes to is the entropy of the classes, as for a network."""
    points = train_whole(tmp_path / "module", *model("Plain"), *BLOBS).points
    facts = prepare(compose_config(*BLOBS), Job(tmp_path, ())).facts
    assert points["train/loss_constant"] == [(0, pytest.approx(facts.constant_loss, rel=1e-9))]
    assert points["val/loss_constant"] == [(0, pytest.approx(facts.val_constant_loss, rel=1e-9))]
    assert "train/loss_constant" not in train_whole(tmp_path / "doubled", *model("Doubled"), *BLOBS).points


def test_a_verdict_says_what_it_does_not_know(tmp_path: Path) -> None:
    outcome = try_out(tmp_path / "own", *model("Doubled"), *BLOBS, "epochs=30")
    assert not isinstance(outcome, list)
    assert outcome.verdict == "trained"
    assert "what a constant answer would come to is not known of its loss" in outcome.why
    outcome = try_out(tmp_path / "known", *model("Plain"), *BLOBS, "epochs=30")
    assert not isinstance(outcome, list)
    assert outcome.verdict == "trained" and "constant" not in outcome.why


def test_answers_that_ignore_the_input_are_seen(tmp_path: Path) -> None:
    outcome = try_out(tmp_path, *model("Dead"), *BLOBS, "epochs=30")
    assert not isinstance(outcome, list)
    assert outcome.verdict == "collapsed", outcome.why


def test_a_monitor_that_a_network_does_not_have_is_told_before_it_trains(tmp_path: Path) -> None:
    words = ("model._target_=own_parts.NoArguments", *BLOBS, "callbacks.checkpoint.monitor=val_score")
    (line,) = try_out(tmp_path, *words)  # type: ignore[misc]
    assert line.startswith("callbacks.checkpoint.monitor=val_score: must be one of")


def test_of_several_validation_parts_the_first_counts(tmp_path: Path) -> None:
    words = [word.replace("own_modules.Fed", "own_modules.TwoParts") for word in FED]
    points = train_whole(tmp_path, *model("OnTwoParts"), *words).points
    assert points["val/loss"] == points["valid_loss/dataloader_idx_0"]
    assert len(points["valid_loss/dataloader_idx_1"]) == 4
    assert len(points["train/loss_eval"]) == 4, "losses that it keeps with their graphs can be copied"
