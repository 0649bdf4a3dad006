"""Labels that are all the same: nothing can be learned of them, whatever the rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.core.outcome import Outcome
from lrscope.diagnosis import diagnose, diagnose_sweep
from lrscope.diagnosis.untried import untried
from runs.single_runs import trace_of_a_run
from runs.test_own_parts import try_out

DATA = "dataset._target_=one_class.{}"
REFUSED = {
    "of three": ((), "of one class, 'b'"),
    "the first": (("+dataset.label=0",), "of one class, 'a'"),
    "of two, by bce": (("+dataset.classes=2", "loss=bce"), "of one class, 'b'"),
    "smoothed": (("loss.label_smoothing=0.1", "loss=cross_entropy"), "of one class, 'b'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    words, expected = REFUSED[name]
    lines = try_out(tmp_path, DATA.format("labelled"), *words)
    assert isinstance(lines, list)
    assert len(lines) == 1
    assert f"dataset=alike: all 120 training examples are {expected}: there is nothing to tell apart" in lines[0]


@pytest.mark.parametrize(
    "words",
    [
        (DATA.format("labelled"), "loss._target_=one_class.own_loss"),
        (DATA.format("labelled"), "model._target_=one_class.Classifying", "optimizer=own"),
        (DATA.format("zeros"),),
    ],
)
def test_what_may_be_meant_so_trains(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert isinstance(try_out(tmp_path, *words), Outcome)


@pytest.mark.parametrize("model", [(), ("model._target_=one_class.Classifying", "optimizer=own")])
@pytest.mark.parametrize("rates", [(1e-4,), (1e-3, 0.3)])
def test_of_what_is_seen_in_training_alone_the_advice_says_it(
    tmp_path: Path, model: tuple[str, ...], rates: tuple[float, ...]
) -> None:
    words = DATA.format("Loaded"), "experiment_name=alike", "epochs=4", *model
    traces = [trace_of_a_run(tmp_path / str(rate), *words, f"lr={rate}") for rate in rates]
    found = diagnose_sweep(traces) if len(traces) > 1 else [diagnose(traces[0])]
    for diagnosis in found:
        assert "give it examples of other classes (it is not the rate)" in diagnosis.primary.advice
        assert "lr" not in diagnosis.primary.advice
        assert diagnosis.primary.rate is None
    assert untried(traces) is None
