"""What is not the rate, from facts and first steps of runs made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, run, series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose


def broken(first_broken: int, start: float = LN6, **facts: object) -> Trace:
    trace = run(np.linspace(LN6, 1.0, 10), classification(**facts))
    losses = trace.get("train/loss").values.copy()
    losses[first_broken:] = math.nan
    return Trace({**trace.series, "train/loss": series(losses), "train/loss_start": series([start])}, trace.facts)


@pytest.mark.parametrize(
    "trace",
    [broken(0), broken(0, math.nan), broken(3, math.inf), broken(7, broken_examples=2), broken(90, broken_examples=2)],
)
def test_not_finite_without_any_update_is_a_matter_of_the_data(trace: Trace) -> None:
    found = diagnose(trace).primary
    assert found.verdict is Verdict.DIVERGED
    assert "look at the data" in found.advice
    assert "not the rate" in found.advice
    assert "lower" not in found.advice


def test_not_finite_after_updates_is_a_matter_of_the_rate() -> None:
    assert "lower lr" in diagnose(broken(5)).primary.advice


def stuck(**facts: object) -> Trace:
    more = {"output_spread": by_epoch([0.4] + [0.0] * 39), "train/acc": by_epoch([1 / 6] * 40),
            "grad_norm": series(np.full(1200, 2.0))}  # fmt: skip
    return run(np.full(40, LN6), classification(**facts), more=more)


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"weight_decay": 1.0, "optimizer": "SGD"}, "optimizer.weight_decay"),
        ({"weight_decay": 0.5, "optimizer": "Adam"}, "optimizer.weight_decay"),
        ({"dropout": 0.9}, "dropout"),
        ({"answers": "softmax"}, "softmax"),
        ({"answers": "sigmoid"}, "sigmoid"),
        ({"saturated": 0.97, "largest_input": 255.0}, "scale the inputs"),
        ({"saturated": 0.97}, "initialise"),
        ({"batch_size": 1, "batch_norm": True}, "batch_size"),
        ({"floor_loss": 1.75}, "labels"),
    ],
)
def test_a_cause_that_the_facts_show_takes_the_place_of_another_rate(facts: dict[str, object], named: str) -> None:
    found = diagnose(stuck(**facts)).primary
    assert found.verdict is Verdict.COLLAPSED
    assert named in found.advice
    assert "not the rate" in found.advice
    assert found.rate is None


@pytest.mark.parametrize(
    "facts",
    [
        {"weight_decay": 1e-4, "optimizer": "SGD"},
        {"weight_decay": 0.1, "optimizer": "AdamW"},
        {"dropout": 0.5},
        {"answers": "relu"},
        {"saturated": 0.2, "largest_input": 255.0},
        {"floor_loss": 0.0},
        {"broken_examples": 0},
        {"batch_size": 2},
    ],
)
def test_usual_settings_are_blamed_for_nothing(facts: dict[str, object]) -> None:
    found = diagnose(stuck(**facts)).primary
    assert "lower lr" in found.advice
    assert "not the rate" not in found.advice


def test_a_batch_of_one_is_named_beside_the_rate() -> None:
    found = diagnose(stuck(batch_size=1)).primary
    assert "lower lr" in found.advice and "raise batch_size" in found.advice


def test_units_that_were_dead_before_the_first_update_are_told_from_those_that_died() -> None:
    born = Trace({**stuck().series, "dead_units/1": series(np.ones(1200))}, stuck().facts)
    died = Trace({**stuck().series, "dead_units/1": series(np.append([0.0], np.ones(1199)))}, stuck().facts)
    assert "before the first update" in diagnose(born).primary.why
    assert "not the rate" in diagnose(born).primary.advice
    assert "lower lr" in diagnose(died).primary.advice


def regression(constant: float | None, end: float, spread: float = 0.5, first: float = 130.0) -> Trace:
    facts = RunFacts(peak_lr=0.01, optimizer="SGD", scheduler="constant", steps_per_epoch=30, task="regression",
                     constant_loss=constant, batch_size=32, examples=960)  # fmt: skip
    fixed = end + (first - end) * np.exp(-np.arange(1, 41) / 2)
    more = {"output_spread": by_epoch([0.5] + [spread] * 39), "train/loss_start": series([first])}
    return run(fixed, facts, first=first, noise=0.01, more=more)


@pytest.mark.parametrize(
    ("end", "spread", "verdict"),
    [
        (1.0, 0.005, Verdict.TRAINED),
        (1.0, 0.5, Verdict.TRAINED),
        (100.2, 0.5, Verdict.STALLED),
        (100.2, 0.005, Verdict.COLLAPSED),
        (100.2, 0.0, Verdict.COLLAPSED),
    ],
)
def test_a_regression_is_held_against_a_constant_answer(end: float, spread: float, verdict: Verdict) -> None:
    assert diagnose(regression(100.0, end, spread)).verdict is verdict


def test_a_constant_answer_that_passed_by_in_batches_is_known_too() -> None:
    trace = regression(None, 100.2)
    known = Trace({**trace.series, "train/loss_constant": series([100.0])}, trace.facts)
    assert diagnose(trace).verdict is Verdict.TRAINED, "as ever, where nothing is known"
    assert diagnose(known).verdict is Verdict.STALLED


def test_facts_survive_the_store_and_old_ones_are_read() -> None:
    facts = RunFacts(peak_lr=3.0, rate_key="optimizer.lr", target_range=(1.0, 2.0), constant_loss=0.25)
    assert RunFacts.from_json(facts.to_json()) == facts
    old = RunFacts.from_json('{"peak_lr": 0.1, "class_shares": [0.5, 0.5]}')
    assert old == replace(RunFacts(), peak_lr=0.1, class_shares=(0.5, 0.5))


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop"])
def test_an_eps_far_above_the_gradient_is_named_and_not_the_rate(optimizer: str) -> None:
    """A gradient of length 1 over 10,000 parameters has entries of about 0.01: eps=100 makes a step tiny."""
    slow = np.linspace(LN6, LN6 - 0.02, 40)
    facts = classification(optimizer=optimizer, eps=100.0, parameters=10_000)
    more = {"grad_norm": series(np.ones(1200))}
    found = diagnose(run(slow, facts, more=more)).primary
    assert "set optimizer.eps=1e-8 (was 100) (it is not the rate)" in found.advice
    assert "about 0.01" in found.why and found.rate is None


@pytest.mark.parametrize(("optimizer", "eps"), [("Adam", 1e-8), ("Adam", 0.05), ("Adam", None), ("SGD", 100.0)])
def test_an_eps_that_holds_nothing_back_is_not_named(optimizer: str, eps: float | None) -> None:
    facts = classification(optimizer=optimizer, eps=eps, parameters=10_000)
    found = diagnose(run(np.linspace(LN6, LN6 - 0.02, 40), facts, more={"grad_norm": series(np.ones(1200))})).primary
    assert "optimizer.eps" not in found.advice


@pytest.mark.parametrize("ends", [-math.inf, math.nan, -1e12])
@pytest.mark.parametrize("task", ["classification", "regression", None])
def test_a_loss_that_falls_to_minus_infinity_is_a_matter_of_its_sign(task: str | None, ends: float) -> None:
    """A mean squared error with a minus before it, at any rate."""
    facts = classification(loss="mine.Negated", task=task, class_shares=() if task != "classification" else (0.5, 0.5))
    losses = -(2.0 ** np.arange(40))
    losses[-1] = ends
    trace = Trace({"train/loss": series(losses), "train/loss_start": series([-1.0])}, facts)
    found = diagnose(trace).primary
    assert "look at the loss: its sign" in found.advice and "lower lr" not in found.advice


def test_a_likelihood_below_0_has_no_wrong_sign() -> None:
    facts = classification(loss="mine.Likelihood", task="regression", class_shares=())
    losses = np.concatenate([np.linspace(3.0, -60.0, 39), [math.nan]])
    trace = Trace({"train/loss": series(losses), "train/loss_start": series([3.0])}, facts)
    assert "its sign" not in diagnose(trace).primary.advice
