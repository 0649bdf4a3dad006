"""Real runs in which the loss, the limit of the gradient or the schedule decides: the advice names that first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lrscope.core.trials import Trial, Trials
from lrscope.core.verdict import Finding
from lrscope.diagnosis import diagnose, diagnose_sweep
from lrscope.diagnosis.untried import untried
from lrscope.probe.trial_plan import RATE
from runs.single_runs import trace_of_a_run

CLOUDS = ("dataset._target_=odd_parts.clouds", "epochs=6")
NEGATED = "loss._target_=odd_parts.negated"


def judged(folder: Path, *words: str, tried: float | None = None) -> Finding:
    """``tried``: the rate of a trial that trained."""
    trace = trace_of_a_run(folder, *CLOUDS, *words)
    if tried is not None:
        works = Trial(RATE, {"lr": tried}, "trained", 1e-6, 100, True, True)
        trace = replace(trace, facts=replace(trace.facts, trials=Trials(1.1, 100, (works,))))
    return diagnose(trace).primary


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_of_the_wrong_sign_is_named(tmp_path: Path, optimizer: str) -> None:
    rates = (0.007, 0.01)
    words = f"optimizer={optimizer}", NEGATED, *CLOUDS
    traces = [trace_of_a_run(tmp_path / str(rate), *words, f"lr={rate}") for rate in rates]
    for found in (diagnose(traces[0]).primary, *(one.primary for one in diagnose_sweep(traces))):
        assert "look at the loss: its sign" in found.advice
        assert "lr" not in found.advice
    assert untried(traces) is None, "no other rate helps"


@pytest.mark.parametrize(
    ("loss", "times", "mend", "lr"),
    [("ten_thousand_times", "1e+04", "divide", 0.3), ("a_ten_thousandth", "0.0001", "multiply", 0.03)],
)
def test_the_scale_of_a_loss_is_named_beside_the_rate(
    tmp_path: Path, loss: str, times: str, mend: str, lr: float
) -> None:
    words = f"loss._target_=odd_parts.{loss}", "optimizer=sgd", f"lr={lr}"
    found = judged(tmp_path / "as it is", *words)
    assert f"about {times} times a cross entropy" in found.why
    assert f"{mend} the loss by 1e+04" in found.advice
    found = judged(tmp_path / "tried", *words, tried=1.0)
    assert found.advice.startswith("start with lr=1: ")
    assert f"; or {mend} the loss by 1e+04" in found.advice
    adam = judged(tmp_path / "adam", f"loss._target_=odd_parts.{loss}", "lr=1e-6")
    assert "the loss by" not in adam.advice, "whose steps do not grow with it"


def test_a_rate_that_was_tried_is_no_advice_ahead_of_the_limit_of_the_gradient(tmp_path: Path) -> None:
    found = judged(tmp_path, "optimizer=sgd", "lr=0.1", "trainer.gradient_clip_val=1e-6", tried=1e5)
    assert found.advice.startswith("raise trainer.gradient_clip_val")
    assert "(it is not the rate); as it is, start with lr=1e+05" in found.advice
    assert found.rate is None


@pytest.mark.parametrize("total", [5000, 100000])
def test_a_warm_up_that_the_run_ends_in_is_named(tmp_path: Path, total: int) -> None:
    found = judged(tmp_path, "scheduler=warmup_cosine", f"scheduler.total_steps={total}", "lr=0.01")
    assert "the rate was still on its way up: it came to" in found.why
    assert found.advice.startswith("set scheduler.total_steps to the 72 steps of the run (it is not the rate)")


def test_of_a_warm_up_that_ends_in_time_nothing_is_said(tmp_path: Path) -> None:
    found = judged(tmp_path, "scheduler=warmup_cosine", "lr=1e-4")
    assert "on its way up" not in found.why
