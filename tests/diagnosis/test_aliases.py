"""Runs that lrscope did not make."""

from __future__ import annotations

import numpy as np
import pytest
from curves import series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import canonical, canonical_name, diagnose
from lrscope.diagnosis.foreign import facts_from_params


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("loss", "train/loss"), ("Training_Loss", "train/loss"), ("train-loss", "train/loss"), ("val_loss", "val/loss"),
        ("eval/loss", "val/loss"), ("accuracy", "train/acc"), ("learning_rate", "lr"), ("lr-Adam", "lr"),
        ("train/loss", "train/loss"), ("perplexity", "perplexity"),
    ],
)  # fmt: skip
def test_common_names_are_understood(metric: str, name: str) -> None:
    assert canonical_name(metric) == name


def test_lrscopes_own_names_win_over_aliases() -> None:
    trace = canonical(Trace({"loss": series([9.0, 9.0]), "train/loss": series([1.0, 0.5])}))
    assert trace.get("train/loss").values.tolist() == [1.0, 0.5]


def test_steps_are_put_in_order_and_counted_once() -> None:
    trace = canonical(Trace({"loss": series([3.0, 1.0, 2.0, 2.5], [2, 0, 1, 1])}))
    assert trace.get("train/loss").steps.tolist() == [0, 1, 2]
    assert trace.get("train/loss").values.tolist() == [1.0, 2.5, 3.0]


def test_epoch_counters_become_steps() -> None:
    trace = canonical(Trace({"loss": series(np.ones(100)), "val_loss": series([3.0, 2.0, 1.0, 0.5, 0.4])}))
    assert trace.get("val/loss").steps.tolist() == [19, 39, 59, 79, 99]


def plain_script(rates: np.ndarray) -> Trace:
    """What a plain PyTorch script logs: loss and learning rate by step, validation by epoch, params as text."""
    steps = np.arange(len(rates))
    loss = 0.2 + 2 * np.exp(-steps / 40) + 0.02 * np.random.default_rng(0).standard_normal(len(rates))
    params = {"lr": "0.5", "optimizer": "sgd", "batch_size": "50", "decay_rate": "0.96", "decay_steps": "100"}
    return Trace({"training_loss": series(loss), "learning_rate": series(rates)}, facts_from_params(params))


def test_the_classic_unadvanced_step_counter_of_a_plain_script() -> None:
    found = diagnose(plain_script(np.full(400, 0.5))).primary
    assert found.verdict is Verdict.SCHEDULE_NEVER_MOVED
    assert "never advanced" in found.why
    advanced = 0.5 * 0.96 ** (np.arange(400) / 100)
    assert diagnose(plain_script(advanced)).verdict is Verdict.TRAINED


def test_facts_from_parameters() -> None:
    facts = facts_from_params({"learning_rate": "0.1", "optimizer": "torch.optim.adam.Adam", "scheduler": "StepLR"})
    assert (facts.peak_lr, facts.optimizer, facts.scheduler) == (0.1, "Adam", "StepLR")
    assert facts_from_params({"optimizer.momentum": "0.9", "opt": "SGD"}).momentum == 0.9
    assert facts_from_params({}) == RunFacts()
    assert facts_from_params({"lr": "fast"}).peak_lr is None
    assert facts_from_params({"lr": "auto", "optim.lr": "1e-3", "scheduler.base_lr": "9"}).peak_lr == 1e-3
    assert facts_from_params({"optimizer": "{'lr': 1}"}).optimizer is None


def test_lrscopes_own_params_say_the_same_as_its_facts() -> None:
    facts = facts_from_params({
        "lr": "0.1", "optimizer._target_": "torch.optim.SGD", "optimizer.lr": "0.1", "optimizer.momentum": "0.9",
        "scheduler.name": "step", "scheduler.step_size": "10", "scheduler._target_": "torch.optim.lr_scheduler.StepLR",
        "callbacks.early_stopping.patience": "10", "dataset.name": "digits",
    })  # fmt: skip
    assert (facts.peak_lr, facts.optimizer, facts.momentum, facts.scheduler) == (0.1, "SGD", 0.9, "step")
    assert facts.scheduler_arguments["step_size"] == 10


@pytest.mark.parametrize("params", [{"early_stopping.patience": "10"}, {"gamma": "0.99"}, {"factor": "2"}])
def test_what_may_be_anythings_is_no_schedule(params: dict[str, str]) -> None:
    """A constant rate is no schedule that never moved because something else has patience."""
    assert facts_from_params(params) == RunFacts()
