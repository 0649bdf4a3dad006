"""The loss that a config names: what it becomes, its constant answer, and what of targets and answers it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from both_ways import alone, composed, data, member_config, together
from torch import nn
from torch.nn import functional

from lrscope.core.errors import InputError
from lrscope.datasets.data import Data, Part
from lrscope.runs.prepare import monitored
from lrscope.sweeps.build_check import BuildCheck
from lrscope.training.build import Source
from lrscope.training.facts.constant_answer import constant_losses
from lrscope.training.objective import at, objective


def of_memory(made: Data) -> Source:
    return Source(made, None, 1)


CLASSES = of_memory(data("digits"))
NUMBERS = of_memory(data("line", "batch_size=4"))
TWO = of_memory(
    Data(
        "two", "classification", Part(torch.randn(8, 2), torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])), classes=("no", "yes")
    )
)
LABELS = of_memory(Data("labels", "regression", Part(torch.randn(4, 2), torch.eye(4)[:, :3])))


ROUGH = of_memory(Data("rough", "regression", Part(torch.zeros(4, 1), torch.tensor([[0.0], [1], [1], [10]]))))


def squared_and_a_bit(answers: torch.Tensor, targets: torch.Tensor, bit: float = 0.0) -> torch.Tensor:
    return (answers - targets).square().mean() + bit


def of_each(answers: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (answers - targets).square()


class Learned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))


def test_without_a_word_the_task_decides() -> None:
    assert objective(composed(()), CLASSES).loss is functional.cross_entropy
    assert objective(composed(()), NUMBERS).loss is functional.mse_loss


@pytest.mark.parametrize(
    ("words", "source", "loss"),
    [("loss=cross_entropy", CLASSES, functional.cross_entropy), ("loss=mse", NUMBERS, functional.mse_loss),
     ("loss=mae", NUMBERS, functional.l1_loss), ("loss._target_=torch.nn.CrossEntropyLoss", CLASSES,
                                                 functional.cross_entropy)],
)  # fmt: skip
def test_a_loss_without_options_is_the_function_that_the_fast_path_knows(words, source, loss) -> None:
    assert objective(composed((words,)), source).loss is loss


def test_a_function_of_the_users_with_an_argument_of_its_own() -> None:
    found = objective(composed((f"loss._target_={__name__}.squared_and_a_bit", "+loss.bit=2")), NUMBERS)
    assert float(found.loss(torch.zeros(1, 1), torch.ones(1, 1))) == 3.0


@pytest.mark.parametrize(
    ("words", "source", "told"),
    [
        (("loss=bce",), CLASSES, "loss=cross_entropy"),
        (("loss=mse",), CLASSES, "the data has classes"),
        (("loss=cross_entropy",), NUMBERS, "numbers to predict"),
        (("loss=bce",), NUMBERS, "from 0 to 1"),
        (("loss=cross_entropy", "loss.weight=[1,2]"), CLASSES, "there are"),
        (("loss=cross_entropy", "+loss.wait=balanced"), CLASSES, "wait"),
        (("loss._target_=torch.nn.MSELoss", "+loss.reduction=sum"), NUMBERS, "reduction=sum"),
        ((f"loss._target_={__name__}.Learned",), NUMBERS, "parameters of its own"),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(words, source, told) -> None:
    with pytest.raises(InputError, match=told):
        objective(composed(words), source)


def test_one_logit_and_several_labels() -> None:
    one, several = objective(composed(("loss=bce",)), TWO), objective(composed(("loss=bce",)), LABELS)
    assert (one.outputs, one.task, several.outputs, several.task) == (1, "classification", None, "labels")
    assert one.mismatch(torch.zeros(8, 1), TWO.data.train.targets) is None
    assert "one logit an example" in one.mismatch(torch.zeros(8, 2), TWO.data.train.targets).rule
    assert "from 1 to 2" in one.mismatch(torch.zeros(2, 1), torch.tensor([1, 2])).rule


def test_targets_of_a_loader_that_would_broadcast_or_are_classes() -> None:
    found = objective(composed(("loss=mse",)), Source(None, torch.nn.Module(), 1))
    assert "compare each with others" in found.mismatch(torch.zeros(4, 1), torch.zeros(4)).rule
    assert "whole numbers" in found.mismatch(torch.zeros(4), torch.zeros(4, dtype=torch.int64)).rule


def test_a_loss_of_the_users_has_to_give_one_number() -> None:
    found = objective(composed((f"loss._target_={__name__}.of_each",)), NUMBERS)
    assert "Return one number" in found.mismatch(torch.zeros(4, 1), torch.zeros(4, 1)).remedy


@pytest.mark.parametrize(
    ("words", "source", "expected"),
    [
        (("loss=mae",), ROUGH, 10 / 4),
        (("loss=bce",), TWO, -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))),
        (("loss=cross_entropy", "loss.weight=balanced"), TWO, math.log(2)),
        (("loss=bce", "loss.pos_weight=balanced"), TWO, 1.5 * math.log(2)),
    ],
)  # fmt: skip
def test_the_loss_of_a_constant_answer_is_that_of_the_loss_that_is_trained(words, source, expected) -> None:
    found = objective(composed(words), source)
    width = found.outputs or len(source.data.classes) or 1
    assert constant_losses(found.loss, source.data.train.targets, width).train == pytest.approx(expected, rel=1e-4)
    assert constant_losses(found.loss, source.data.train.targets).train == pytest.approx(expected, rel=1e-4)


def test_weights_of_classes_go_where_the_answers_are() -> None:
    loss = objective(composed(("loss._target_=torch.nn.CrossEntropyLoss", "+loss.weight=[1,2]")), TWO).loss
    answers = torch.zeros(8, 2, dtype=torch.float64)
    assert float(at(loss, answers)(answers, TWO.data.train.targets)) == pytest.approx(math.log(2))


def test_a_softmax_before_cross_entropy_is_told_and_trains_all_the_same() -> None:
    check, twice = BuildCheck(), f"model._target_={__name__}.EndsInSoftmax"
    assert check.problems([composed(("dataset=blobs", twice, "~model.hidden"))]) == []
    assert any("applies it once more" in words for words in check.notes())


class EndsInSoftmax(nn.Sequential):
    def __init__(self, outputs: int, **_: object) -> None:
        super().__init__(nn.Flatten(), nn.LazyLinear(outputs), nn.Softmax(1))


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("blobs", ("loss=cross_entropy", "loss.label_smoothing=0.1", "loss.weight=[1,3]")),
        ("yes_no", ("loss=bce", "loss.pos_weight=balanced")),
        ("numbers", ("loss=mae",)),
        ("numbers", ("loss=huber", "loss.delta=0.5")),
        ("numbers", (f"loss._target_={__name__}.squared_and_a_bit", "+loss.bit=2")),
    ],
)
def test_members_of_a_stack_take_it_as_a_run_alone_does(dataset, words) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(96, 4, generator=generator)
    of = {
        "blobs": data("blobs"),
        "yes_no": Data("d", "classification", Part(inputs, (inputs[:, 0] > 0.5).long()), classes=("no", "yes")),
        "numbers": Data("d", "regression", Part(inputs, inputs[:, :1] - 2 * inputs[:, 1:2])),
    }[dataset]
    cfgs = [member_config(2, 3, *words, "optimizer=sgd", lr=lr) for lr in (0.1, 0.01)]
    for cfg, stacked in zip(cfgs, together(cfgs, of), strict=True):
        single = alone(cfg, of)
        assert stacked.assert_near(single, alone(cfg, of, nudge=True)) == 6
        assert stacked.losses[-1] != stacked.losses[0]


def test_what_is_monitored_without_a_validation_part() -> None:
    assert monitored("val/f1", TWO) == "train/f1"
    assert monitored("val/loss", TWO) == "train/loss_eval"
