"""Slips that people make in their own parts are told in one line that names the part, before a run is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.core.outcome import Outcome
from runs.test_own_parts import try_out

BLOBS = ("dataset=blobs", "dataset.examples=36", "dataset.val_examples=8", "batch_size=8")
MODELS = {
    "KeepsItsState": "model=slipped_parts.KeepsItsState: at its second batch has no gradient",
    "OfOneBatchSize": "Let it take batches of any size, or use batch_size=9.",
    "MakesALayerOnItsWay": "makes more.weight in its forward, when the optimizer is there already",
    "LayersInAList": "uses layers, which torch does not know as its own and no optimizer would train",
    "APlainTensor": "uses scale, which torch does not know as its own and no optimizer would train. Make it a nn.Param",
    "NoLayers": "has no parameter that could be trained. Make its layers in __init__",
    "AllFrozen": "has no parameter that could be trained (requires_grad is False)",
    "MisspelledForward": "has no forward. Write its forward(self, inputs).",
    "NotInEvaluation": "in evaluation it refuses inputs float32 [8, 5]",
    "OwnTrain": "cannot be used as a network",
    "OwnParameters": "cannot be used as a network",
    "CannotBeSaved": "cannot be used as a network (RuntimeError: nothing to save;",
    "SparseRows": "Choose another, e.g. optimizer=sgd",
}
OTHERS = {
    "loss._target_=slipped_parts.per_example": "gives float32 [8]. Return one number",
    "loss._target_=slipped_parts.a_float": "gives float. Return one number",
    "loss._target_=slipped_parts.detached": "gives a number that has no gradient",
    "loss._target_=slipped_parts.errors": "gives a number that has no gradient",
    "loss._target_=slipped_parts.of_nothing": "depends on none of the answers",
    "loss._target_=slipped_parts.OfAnswersAlone": "refuses answers float32 [8, 2] with targets int64 [8]",
    "scheduler._target_=slipped_parts.of_another_optimizer": "moves the rate of another optimizer",
    "scheduler._target_=slipped_parts.below_zero": "sets the rate to -5e-05 at its move 7",
    "scheduler._target_=slipped_parts.not_a_number": "sets the rate to nan at its move 7",
    "scheduler._target_=slipped_parts.a_list_too_short": "list index out of range",
    "+metrics.mine._target_=slipped_parts.SeveralNumbers": "gives a dict, not one number",
    "callbacks.extra=[{_target_: slipped_parts.WithoutTheModule}]": "which Lightning calls with (trainer, pl_module)",
    "callbacks.extra=[{_target_: slipped_parts.OfAnEarlierLightning}]": "Did you mean on_train_epoch_end?",
    "callbacks.extra=[{_target_: slipped_parts.Misspelled}]": "Did you mean on_train_epoch_end?",
    "callbacks.extra=[{_target_: pytorch_lightning.callbacks.LearningRateFinder}]": "Add find=on.",
    "callbacks.extra=[{_target_: pytorch_lightning.callbacks.GradientAccumulationScheduler, scheduling: {0: 2}}]": (
        "Set trainer.accumulate_grad_batches="
    ),
    "dataset._target_=slipped_parts.GivesADataset": "gives a TensorDataset, which has no batches. Return DataLoader(",
    "dataset._target_=slipped_parts.OfObjects": "Let its dataset give tensors, all of one shape.",
    "dataset._target_=slipped_parts.ValidatesOtherShapes": (
        "in evaluation it expects inputs of shape [5] (flat), but the dataset slipped_parts.ValidatesOtherShapes has "
        "examples of shape [3]"
    ),
}
OPTIMIZERS = {
    "of_other_parameters": "holds none of the network's parameters",
    "RateFirst": "takes params behind other arguments. Its first argument must be the parameters: (params, lr).",
}


@pytest.mark.parametrize("name", MODELS)
def test_a_network(name: str, tmp_path: Path) -> None:
    told(tmp_path, MODELS[name], f"model._target_=slipped_parts.{name}", *BLOBS)


@pytest.mark.parametrize("typed", OTHERS)
def test_another_part(typed: str, tmp_path: Path) -> None:
    lines = told(tmp_path, OTHERS[typed], *BLOBS[: 0 if "dataset" in typed else None], "epochs=9",
                 "model._target_=slipped_parts.Network", typed)  # fmt: skip
    assert lines.startswith(typed.partition("=")[0].lstrip("+").partition("._target_")[0]) or "model=" in lines


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name: str, tmp_path: Path) -> None:
    plain = ("optimizer=sgd", "~optimizer.momentum", "~optimizer.dampening", "~optimizer.weight_decay")
    told(tmp_path, OPTIMIZERS[name], f"optimizer._target_=slipped_parts.{name}", *plain, "~optimizer.nesterov", *BLOBS)


def told(folder: Path, expected: str, *words: str) -> str:
    lines = try_out(folder, *words)
    assert isinstance(lines, list), "trained"
    assert len(lines) == 1, lines
    assert expected in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    "typed",
    [
        "model._target_=slipped_parts.ATeacherInAList",
        "+metrics.mine._target_=slipped_parts.AFloat",
        "scheduler._target_=slipped_parts.below_zero",  # of two epochs: it stays above zero
    ],
)
def test_what_only_looks_wrong_trains(typed: str, tmp_path: Path) -> None:
    outcome = try_out(tmp_path, "model._target_=slipped_parts.Network", *BLOBS, typed)
    assert isinstance(outcome, Outcome), outcome
    assert not outcome.crashed, outcome.why


def test_a_part_that_ends_the_program_is_a_crash_that_is_told(tmp_path: Path) -> None:
    outcome = try_out(tmp_path, *BLOBS, "callbacks.extra=[{_target_: slipped_parts.EndsTheProgram}]")
    assert isinstance(outcome, Outcome)
    assert outcome.crashed
    assert "sys.exit(0)" in outcome.why
