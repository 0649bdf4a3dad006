"""What is wrong with a user's part is told in a line before a run is made; what can mean one thing only trains."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from single_runs import compose_config

from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.runs.run import run
from lrscope.sweeps.check import raise_problems

QUIET = ("callbacks.look_ahead=false", "epochs=2")


def try_out(folder: Path, *typed: str) -> list[str] | Outcome:
    """The lines that refuse a command, by the function that the command itself asks; else what it trained to."""
    words = ["tracking=off", f"tracking.spool={folder}/spool", *QUIET, *typed]
    cfg = run_config(compose_config(*words), words)
    try:
        raise_problems([cfg])
    except InputError as error:
        return str(error).splitlines()
    return run(cfg, Job(folder, ()))


OWN = ("dataset._target_=own_parts.{}", "batch_size=8")
MODEL = (
    "model._target_=own_parts.{}",
    "dataset=blobs",
    "dataset.examples=40",
    "dataset.val_examples=8",
    "batch_size=8",
)
LOADED = ("dataset._target_=own_parts.Loaded", "experiment_name=own")


def own(part: str, *more: str) -> tuple[str, ...]:
    return (*(word.format(part) for word in OWN), *more)


def model(part: str, *more: str) -> tuple[str, ...]:
    return (*(word.format(part) for word in MODEL), *more)


TRAINS: dict[str, tuple[str, ...]] = {
    "double inputs": own("double_inputs"),
    "int32 labels": own("int32_labels"),
    "labels [N, 1]": own("column_labels"),
    "whole float labels": own("float_labels"),
    "numpy": own("labels_of_numpy"),
    "classes without names": own("unnamed_classes"),
    "numbers [N]": own("flat_numbers"),
    "double numbers": own("double_numbers"),
    "token ids": own("tokens", "model._target_=own_parts.Embedded"),
    "a class without arguments": model("NoArguments"),
    "a class of any arguments": model("AnyArguments"),
    "an if in forward": model("Branching"),
    "64 bits": model("NoArguments", "trainer.precision=64-true"),
    "an optimizer that asks for the loss again": model("NoArguments", "optimizer._target_=torch.optim.LBFGS"),
    "a last batch of two under batch norm": model("NoArguments", "model=mlp", "model.batch_norm=true", "batch_size=19")[
        1:
    ],
    "a loader": LOADED,
    "a loader of doubles": (*LOADED, "+dataset.double=true"),
    "a loader of doubles in 64 bits": (*LOADED, "+dataset.double=true", "trainer.precision=64-true"),
    "a loader of int32 labels": (*LOADED, "+dataset.targets=int32"),
    "a loader of labels [N, 1]": (*LOADED, "+dataset.targets=column"),
    "a stream of so many batches": (*LOADED, "+dataset.kind=stream", "trainer.limit_train_batches=3"),
}

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "one output with cross entropy": (
        model("OneOutput"),
        "answers [1] numbers an example, but the dataset blobs needs [2]",
    ),
    "one output for a loader": (
        (*LOADED, "model._target_=own_parts.OneOutput"),
        "the cross entropy of a single answer is 0",
    ),
    "one class": (own("one_class"), "has one class: there is nothing to tell apart"),
    "labels from 1": (own("labels_from_1"), "run from 1 to 2, but its 2 classes are numbered 0 to 1. Subtract 1"),
    **{
        f"{kind} in a loader": ((*LOADED, f"+dataset.targets={kind}"), f"dataset._target_=own_parts.Loaded: {words}")
        for kind, words in {
            "from 1": "the targets run from 1 to 2, but classes are numbered from 0",
            "negative": "the targets run from -1 to 0, but classes are numbered from 0",
            "halves": "the targets of a batch are float32 [8], but a class is one whole number an example",
            "one hot": "the targets of a batch are int64 [8, 2], but a class is one whole number an example",
        }.items()
    },
    "more labels than answers in a loader": (
        (*LOADED, "+dataset.targets=many"),
        "answers 2 numbers an example, for classes 0 to 1, but the targets run from 0 to 5",
    ),
    "negative labels": (own("negative_labels"), "run from -1 to 1"),
    "halves as labels": (own("halves"), "a class is one whole number an example"),
    "one-hot labels": (own("one_hot"), "Give targets.argmax(1)"),
    "[N] answers to [N, 1] numbers": (
        own("numbers", "model._target_=own_parts.Squeezed"),
        "answers float32 [8], but the targets are float32 [8, 1]",
    ),
    "a tuple": (model("Tuple"), "answers with a tuple of 2 (float32 [8, 2], float32 [8, 5]). Return one tensor"),
    "a tuple in evaluation": (model("TupleInEvaluation"), "in evaluation it answers with a tuple"),
    "pixels": (own("pixels"), "Whole numbers reach the network as they are"),
    "detached answers": (model("Detached"), "do not depend on its parameters"),
    "a last batch of one under batch norm": (
        model("NoArguments", "model=mlp", "model.batch_norm=true", "batch_size=13")[1:],
        "batch_size=13: leaves a last batch of 1 of the 40 examples",
    ),
    "batches of one under batch norm": (
        model("NoArguments", "model=mlp", "model.batch_norm=true", "batch_size=1")[1:],
        "refuses a batch of one example",
    ),
    "a stream without a length": ((*LOADED, "+dataset.kind=stream"), "has no length. Say how many"),
    "an optimizer for sparse gradients": (
        model("NoArguments", "optimizer._target_=torch.optim.SparseAdam"),
        "cannot make an update",
    ),
    "a callback that is none": (
        (*MODEL[1:], "callbacks.extra=[{_target_: own_parts.NoArguments}]"),
        "another kind of class",
    ),
    "a callback with hooks of validation": (
        (*MODEL[1:], "callbacks.extra=[{_target_: own_parts.AfterValidation}]"),
        "AfterValidation: has on_validation_epoch_end, which lrscope's evaluation does not call",
    ),
}

EITHER: dict[str, tuple[str, ...]] = {
    "a dict a batch": (*LOADED, "+dataset.form=dict"),
    "a triple a batch": (*LOADED, "+dataset.form=triple"),
    "answers [N, C, T]": model("Sequence"),
    "token ids for a network of numbers": own("tokens"),
    **{
        name: (*MODEL[1:], f"callbacks.extra=[{{_target_: pytorch_lightning.callbacks.{name}}}]")
        for name in (
            "LearningRateMonitor",
            "DeviceStatsMonitor",
            "ModelCheckpoint",
            "Timer",
            "ModelSummary",
            "TQDMProgressBar",
        )
    },
    "EarlyStopping": (
        *MODEL[1:],
        "callbacks.extra=[{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: nothing}]",
    ),
}
"""What is refused today, and may be trained tomorrow."""


@pytest.mark.parametrize("name", TRAINS)
def test_trains(name: str, tmp_path: Path) -> None:
    outcome = try_out(tmp_path, *TRAINS[name])
    assert isinstance(outcome, Outcome), outcome
    assert not outcome.crashed, outcome.why
    assert outcome.steps > 0
    assert math.isfinite(outcome.final["train/loss_epoch"])


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    words, expected = REFUSED[name]
    lines = try_out(tmp_path, *words)
    assert isinstance(lines, list), "trained"
    assert len(lines) == 1, lines
    assert expected in lines[0]


@pytest.mark.parametrize("name", EITHER)
def test_trains_or_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where Lightning's own callbacks write
    found = try_out(tmp_path, *EITHER[name])
    if isinstance(found, Outcome):
        assert not found.crashed, found.why
    else:
        assert 1 <= len(found) <= 2


def test_a_stream_is_evaluated_for_as_long_as_an_epoch_is(tmp_path: Path) -> None:
    outcome = try_out(tmp_path, *TRAINS["a stream of so many batches"])
    assert isinstance(outcome, Outcome)
    assert outcome.steps == 2 * 3
    assert "train/loss_eval" in outcome.final
