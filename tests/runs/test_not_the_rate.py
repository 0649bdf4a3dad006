"""Real runs in which something else than the rate decides: the verdict names it, and does not send to another rate."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from own_parts import LABELS
from single_runs import trace_of_a_run

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep, live_finding, note

OFFSET = ("dataset._target_=odd_parts.offset", "model=linear", "optimizer=sgd")
CLOUDS = ("dataset._target_=odd_parts.clouds", "model._target_=odd_parts.Ending", "epochs=10")
NONE = "+model.function=none"


def judged(folder: Path, *overrides: str) -> Finding:
    return diagnose(trace_of_a_run(folder, *overrides)).primary


@pytest.mark.parametrize(
    "data",
    [
        (),
        ("+dataset.centre=-500", "+dataset.deviation=1", "+dataset.noise=0.1"),
        ("+dataset.centre=30000", "+dataset.deviation=100", "+dataset.noise=5"),
    ],
)
def test_a_regression_far_from_zero_is_trained_and_never_stopped_for_a_collapse(
    tmp_path: Path, data: tuple[str, ...]
) -> None:
    trace = trace_of_a_run(tmp_path, *OFFSET, *data, "lr=0.05", "epochs=60", "callbacks.stop_when=[collapsed]")
    assert trace.facts.constant_loss is not None
    assert trace.get("train/loss_eval").values[-1] < 0.1 * trace.facts.constant_loss
    assert diagnose(trace).verdict is Verdict.TRAINED
    assert live_finding(trace) is None


def test_a_regression_that_only_found_the_mean_of_its_targets_is_not_trained(tmp_path: Path) -> None:
    decayed = ("optimizer.weight_decay=2000", "lr=0.0005", "epochs=30")
    found = judged(tmp_path, *OFFSET, "+dataset.centre=0", *decayed)
    assert found.verdict is not Verdict.TRAINED
    assert "weight_decay" in found.advice
    assert "not the rate" in found.advice


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_weight_decay_that_takes_everything_is_named(tmp_path: Path, optimizer: str) -> None:
    rates = (0.1, 0.01) if optimizer == "sgd" else (0.01, 0.003)
    decay = "optimizer.weight_decay=" + ("100" if optimizer == "adamw" else "1")
    traces = [
        trace_of_a_run(tmp_path / str(lr), f"optimizer={optimizer}", decay, "epochs=8", f"lr={lr}") for lr in rates
    ]
    for found in (diagnosis.primary for diagnosis in diagnose_sweep(traces)):
        assert found.verdict in (Verdict.COLLAPSED, Verdict.STALLED)
        assert "optimizer.weight_decay" in found.advice
        assert "not the rate" in found.advice
        assert "lower lr" not in found.advice


def test_weight_decay_that_holds_a_run_back_is_named_though_it_has_levelled_off(tmp_path: Path) -> None:
    found = judged(tmp_path, "optimizer=adamw", "optimizer.weight_decay=10", "epochs=8", "lr=0.003")
    assert found.verdict is Verdict.TRAINED
    assert "optimizer.weight_decay" in found.advice
    assert "keep this rate" not in found.advice


@pytest.mark.parametrize(("algorithm", "limit"), [("norm", "1e-4"), ("value", "1e-6")])
def test_a_gradient_that_is_clipped_at_every_step_is_named(tmp_path: Path, algorithm: str, limit: str) -> None:
    clip = (f"trainer.gradient_clip_val={limit}", f"trainer.gradient_clip_algorithm={algorithm}")
    trace = trace_of_a_run(tmp_path, "optimizer=sgd", *clip, "epochs=5", "lr=0.1")
    found = diagnose(trace)
    assert "trainer.gradient_clip_val" in found.primary.advice
    assert "not the rate" in found.primary.advice
    assert "100% of the measured steps" in found.primary.why
    assert f"clipped at {float(limit):g} ({algorithm}) in 100%" in note(found, trace)


@pytest.mark.parametrize("spoiled", [1, 40])
def test_examples_that_are_not_finite_are_counted(tmp_path: Path, spoiled: int) -> None:
    found = judged(tmp_path, *OFFSET, f"+dataset.spoiled={spoiled}", "lr=0.01", "epochs=2")
    assert found.verdict is Verdict.DIVERGED
    assert f"{spoiled} of 256 training examples" in found.why
    assert "look at the data" in found.advice
    assert "lower" not in found.advice


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "tanh"])
def test_answers_that_are_bounded_before_cross_entropy_are_named(tmp_path: Path, function: str) -> None:
    found = judged(tmp_path, *CLOUDS, f"+model.function={function}", "lr=0.01", "optimizer=sgd")
    assert f"leave the {function} out" in found.advice
    assert "raise lr" not in found.advice


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_targets_that_no_answer_can_reach_are_named(tmp_path: Path, function: str) -> None:
    ending = ("model._target_=odd_parts.Ending", f"+model.function={function}")
    found = judged(tmp_path, OFFSET[0], *ending, "lr=0.01", "epochs=10")
    assert found.verdict is not Verdict.TRAINED
    assert f"answers come out of a {function}" in found.why
    assert "not the rate" in found.advice


@pytest.mark.parametrize("act", ["sigmoid", "tanh"])
def test_units_that_are_flat_before_the_first_update_are_named(tmp_path: Path, act: str) -> None:
    loud = ("+dataset.scale=100000", NONE, f"+model.act={act}")
    trace = trace_of_a_run(tmp_path, *CLOUDS, *loud, "lr=0.0001", "optimizer=sgd")
    assert trace.facts.saturated is not None and trace.facts.saturated > 0.9
    found = diagnose(trace).primary
    assert "flat before the first update" in found.why
    assert "scale the inputs" in found.advice


def test_dropout_that_leaves_nothing_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, "model.dropout=0.95", "epochs=4", "lr=0.001")
    assert "dropout" in found.advice
    assert "not the rate" in found.advice


def test_labels_that_the_inputs_do_not_tell_are_named(tmp_path: Path) -> None:
    found = judged(tmp_path, "dataset._target_=odd_parts.coin", "model=linear", "lr=0.01", "epochs=10")
    assert found.verdict is not Verdict.TRAINED
    assert "equal inputs have different targets" in found.why
    assert "labels" in found.advice


NOISE = "dataset._target_=odd_parts.noise"
NUMBERS = "+dataset.classes=false"


@pytest.mark.parametrize("model", ["linear", "mlp"])
@pytest.mark.parametrize("data", [("+dataset.examples=3000",), ("+dataset.positives=0.5",), (NUMBERS,)])
def test_what_holds_for_no_other_example_is_not_called_trained(
    tmp_path: Path, data: tuple[str, ...], model: str
) -> None:
    """A linear model comes a hair below a constant answer on its training examples, a network knows them by heart."""
    trace = trace_of_a_run(tmp_path, NOISE, *data, f"model={model}", "lr=0.01", "epochs=40")
    assert trace.facts.constant_loss is not None and trace.facts.val_constant_loss is not None
    assert trace.get("train/loss_eval").values[-1] < trace.facts.constant_loss
    assert trace.get("val/loss").values.min() > 0.97 * trace.facts.val_constant_loss
    found = diagnose(trace)
    assert found.verdict is (Verdict.STALLED if model == "linear" else Verdict.OVERFITTING)
    text = note(found, trace)
    assert "holds for other" in text
    assert "keep this rate" not in text and "train longer" not in text and "more steps" not in text
    assert "keep this rate" not in diagnose_sweep([trace, trace])[0].primary.advice


def test_of_batches_that_pass_by_the_constant_answer_is_recorded_for_both_parts(tmp_path: Path) -> None:
    trace = trace_of_a_run(tmp_path, "dataset._target_=own_parts.Loaded", "model=linear", "epochs=1", "lr=0.01")
    shares = torch.bincount(LABELS, minlength=2).double() / len(LABELS)
    assert trace.get("train/loss_constant").values == pytest.approx([float(-(shares * shares.log()).sum())])
    assert trace.get("val/loss_constant").values == pytest.approx([float(-shares.log()[LABELS[:8]].mean())])


def test_noise_that_is_lucky_on_few_validation_examples_is_not_to_be_kept_for_that(tmp_path: Path) -> None:
    """Ten examples of the rare class: their loss lies 7% below a constant answer's, whatever the inputs say."""
    trace = trace_of_a_run(tmp_path, NOISE, "model=linear", "lr=0.01", "epochs=40")
    for found in (diagnose(trace).primary, diagnose_sweep([trace, trace])[0].primary):
        assert found.verdict is Verdict.TRAINED and found.certainty == "weak"
        assert "no more than chance brings on 200 examples" in found.why
        assert "keep this rate" not in found.advice


@pytest.mark.parametrize("data", [OFFSET, CLOUDS])
def test_a_healthy_run_is_told_nothing_of_the_kind(tmp_path: Path, data: tuple[str, ...]) -> None:
    trace = trace_of_a_run(tmp_path, *data, *((NONE,) if data is CLOUDS else ()), "lr=0.05", "epochs=60")
    assert "not the rate" not in note(diagnose(trace), trace)


def test_the_rate_that_is_judged_is_the_one_that_was_used(tmp_path: Path) -> None:
    rates = (3.0, 0.3, 0.003)
    traces: list[Trace] = [
        trace_of_a_run(tmp_path / str(rate), "optimizer=sgd", "epochs=4", f"optimizer.lr={rate}", "lr=0.001")
        for rate in rates
    ]
    assert [trace.facts.peak_lr for trace in traces] == list(rates)
    for trace, diagnosis in zip(traces, diagnose_sweep(traces), strict=True):
        assert f"peak rate {trace.facts.peak_lr:g}" in note(diagnosis, trace)
        advice = diagnosis.primary.advice
        assert "lr=0.001" not in advice
        assert " lr " not in advice.replace("optimizer.lr", "optimizer_lr"), "the key that sets it is named"
