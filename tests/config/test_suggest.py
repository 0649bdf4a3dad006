"""What lrscope takes a wrong word for."""

from __future__ import annotations

import pytest

from lrscope.config.nearest_class import nearest_class
from lrscope.config.suggest import nearest_keys, nearest_words
from lrscope.core.metric_goal import goal_of

KEYS = ["lr", "epochs", "batch_size", "model", "model.hidden", "optimizer.weight_decay", "trainer.gradient_clip_val",
        "callbacks.early_stopping.patience"]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("learning_rate", "lr"),
        ("optimizer.learning_rate", "lr"),
        ("modle", "model"),
        ("modle.hidden", "model.hidden"),
        ("model.hiden", "model.hidden"),
        ("num_epochs", "epochs"),
        ("epoch", "epochs"),
        ("bs", "batch_size"),
        ("batchsize", "batch_size"),
        ("wd", "optimizer.weight_decay"),
        ("grad_clip", "trainer.gradient_clip_val"),
        ("callbacks.patience", "callbacks.early_stopping.patience"),
    ],
)
def test_a_key_by_another_name_or_misspelt(key: str, meant: str) -> None:
    assert nearest_keys(key, KEYS)[0] == meant


def test_nothing_is_guessed_for_a_word_like_no_other() -> None:
    assert nearest_keys("zzz", KEYS) == []
    assert nearest_words("foo", ["cnn", "linear", "mlp"]) == []


@pytest.mark.parametrize(
    ("word", "meant"), [("adma", "adam"), ("agd", "sgd"), ("adamW", "adamw"), ("rmspro", "rmsprop")]
)
def test_an_option_misspelt(word: str, meant: str) -> None:
    assert nearest_words(word, ["adagrad", "adam", "adamw", "rmsprop", "sgd"])[0] == meant


@pytest.mark.parametrize(
    ("group", "target", "meant"),
    [
        ("model", "torch.nn.Linaer", "torch.nn.Linear"),
        ("model", "troch.nn.Linear", "torch.nn.Linear"),
        ("model", "MLP", "lrscope.models.mlp.MLP"),
        ("optimizer", "torch.optm.Adam", "torch.optim.Adam"),
        ("optimizer", "torch.optim.adma", "torch.optim.Adam"),
        ("optimizer", "torch.Adam", "torch.optim.Adam"),
        ("scheduler", "torch.optim.lr_scheduler.StepLr", "torch.optim.lr_scheduler.StepLR"),
        ("dataset", "lrscope.datasets.digit.digits", "lrscope.datasets.digits.digits"),
        ("model", "nope.Nope", None),
    ],
)
def test_a_class_misspelt(group: str, target: str, meant: str | None) -> None:
    assert nearest_class(group, target) == meant


@pytest.mark.parametrize(
    ("metric", "goal"),
    [
        ("val/loss", "min"),
        ("train/loss_eval", "min"),
        ("val/mean_absolute_error", "min"),
        ("val/f1_loss", "min"),
        ("val/acc", "max"),
        ("val/f1", "max"),
        ("val/top5", "max"),
        ("auroc", "max"),
        ("weights/norm", None),
    ],
)
def test_the_name_of_a_metric_tells_which_way_it_improves(metric: str, goal: str | None) -> None:
    assert goal_of(metric) == goal
