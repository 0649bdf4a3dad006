"""What the validation part says: it never makes a healthy run failed, and nothing is called trained against it."""

from __future__ import annotations

import numpy as np
import pytest
from curves import by_epoch, classification, run, series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.untried import untried


def regression(fixed: list[float], val: list[float], first: float = 1.34, **facts: object) -> Trace:
    """Targets of variance 1, on the validation part 1.02; copies show that the loss has levelled off."""
    known: dict[str, object] = {"val_examples": 150, "parameters": 4, "examples": 450, **facts}
    about = RunFacts(
        peak_lr=0.95, scheduler="constant", steps_per_epoch=15, task="regression", constant_loss=1.0,
        val_constant_loss=1.02, **known,  # type: ignore[arg-type]
    )  # fmt: skip
    end = fixed[-1]
    copies = {name: series([end - 0.001]) for name in ("ahead/again", "ahead/same_lr", "ahead/lower_lr")}
    return run(fixed, about, first=first, noise=0.001, more={"val/loss": by_epoch(val, 15), **copies})


def test_a_short_run_whose_val_loss_comes_down_is_not_failed_for_where_it_stands() -> None:
    """Two epochs, a hair below the constant: the second brought the validation loss two fifths of the way."""
    assert not diagnose(regression([1.018, 0.9923], [1.10, 1.06])).verdict.failed


def test_two_evaluations_do_not_show_that_nothing_holds_for_others() -> None:
    assert not diagnose(regression([0.995, 0.9923], [1.06, 1.06])).verdict.failed


@pytest.mark.parametrize(("parameters", "failed"), [(4, False), (60, True)])
def test_a_fall_is_a_hair_where_fitting_noise_brings_as_much(parameters: int, failed: bool) -> None:
    """3% of 450 examples' variance: four numbers fit 0.9% of noise, sixty 13%."""
    fixed = [1.1, *np.linspace(0.98, 0.97, 9)]
    found = diagnose(regression(fixed, [1.1, *[1.03] * 9], parameters=parameters)).primary
    assert found.verdict.failed is failed
    if not failed:
        assert found.certainty == "weak" and "chance" in found.why
        assert "keep this rate" not in found.advice


def majority(end: float, val: float, train_accuracy: float = 0.95, val_accuracy: float = 0.95) -> Trace:
    """95 examples of 100 are of one class: a constant answer has 0.1985."""
    facts = classification(
        peak_lr=1.0, class_shares=(0.95, 0.05), constant_loss=0.1985, val_constant_loss=0.1985, val_examples=200,
        examples=800, parameters=500,
    )  # fmt: skip
    fixed = [0.6, 0.3, *[end] * 8]
    more = {
        "val/loss": by_epoch([10.0, 2.0, *np.linspace(val + 0.5, val, 8)]),
        "train/acc": by_epoch([train_accuracy] * 10),
        "val/acc": by_epoch([val_accuracy] * 10),
    }
    return run(fixed, facts, first=1.0, noise=0.001, more=more)


@pytest.mark.parametrize(("end", "train_accuracy"), [(0.1965, 0.95), (0.253, 0.97), (0.1985, 0.95)])
def test_what_answers_with_the_largest_class_is_not_trained(end: float, train_accuracy: float) -> None:
    """Its loss a hair below a constant answer's, or above it while a few more training examples are right."""
    found = diagnose(majority(end, 0.4, train_accuracy)).primary
    assert found.verdict in (Verdict.STALLED, Verdict.TOO_SLOW, Verdict.COLLAPSED)
    assert "constant answer" in found.why
    assert "keep this rate" not in found.advice and "raise lr" not in found.advice


def test_it_is_trained_where_the_validation_part_is_answered_better() -> None:
    assert diagnose(majority(0.1965, 0.4, 0.99, 0.99)).verdict is Verdict.TRAINED
    assert diagnose(majority(0.1, 0.12)).verdict is Verdict.TRAINED


def slow(val: list[float]) -> Trace:
    """Its training loss still falls: 0.9 · 0.97^epoch."""
    fixed = [0.9 * 0.97**epoch for epoch in range(20)]
    about = RunFacts(peak_lr=0.001, scheduler="constant", steps_per_epoch=30, task="regression", constant_loss=1.0)
    return run(fixed, about, first=0.95, noise=0.001, more={"val/loss": by_epoch(val)})


def test_of_a_slow_run_whose_val_loss_rises_it_is_said_that_more_training_is_of_no_use() -> None:
    """It rises by 0.015 of a fall of 0.445: 3%, too little for overfitting."""
    rising = slow([*np.linspace(0.9, 0.6, 10), *np.linspace(0.6, 0.615, 10)])
    found = diagnose(rising).primary
    assert found.verdict is Verdict.TOO_SLOW
    assert "take the weights of the lowest val loss" in found.advice
    for words in ("raise lr", "train about", "train longer", "more steps"):
        assert words not in found.advice
    assert untried([rising]) is None
    falling = slow([*np.linspace(0.9, 0.6, 20)])
    assert "raise lr" in diagnose(falling).primary.advice
    assert untried([falling]) is not None
