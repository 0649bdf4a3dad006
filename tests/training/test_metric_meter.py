"""Metrics by name: against numbers worked by hand, in the user's unit, each run with a state of its own."""

from __future__ import annotations

import math

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor
from torchmetrics import Metric

from lrscope.core.errors import InputError
from lrscope.core.paths import shipped_conf
from lrscope.datasets.preprocessing import TargetScale
from lrscope.training.metric_meter import MetricMeter

CONF = shipped_conf() / "metrics"
SHIPPED = {path.stem: OmegaConf.load(path)[path.stem] for path in sorted(CONF.glob("*.yaml"))}
OF_NUMBERS = [name for name, group in SHIPPED.items() if "regression" in group._target_]
OF_CLASSES = [name for name in SHIPPED if name not in OF_NUMBERS]


class Largest(Metric):
    """The user's own: it gets answers and targets as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("largest", torch.tensor(-math.inf), dist_reduce_fx="max")

    def update(self, answers: Tensor, _targets: Tensor) -> None:
        self.largest = torch.maximum(self.largest, answers.max())

    def compute(self) -> Tensor:
        return self.largest


def meter(*names: str, scale: TargetScale | None = None, labels: bool = False) -> MetricMeter:
    return MetricMeter({name: SHIPPED[name] for name in names}, scale, labels)


def logits(classes: list[int], count: int) -> Tensor:
    return 4 * torch.nn.functional.one_hot(torch.tensor(classes), count).float()


def test_by_hand_and_in_pieces() -> None:
    """Three of four right; class 2 never found: F1 of the classes 1, 2/3 and 0."""
    answers, targets = logits([0, 0, 1, 1], 3), torch.tensor([0, 0, 1, 2])
    found = meter("accuracy", "f1", "balanced_accuracy", "recall")
    for piece in (slice(0, 1), slice(1, 4)):
        found.add(answers[piece], targets[piece])
    values = found.values()
    assert values == pytest.approx({"accuracy": 0.75, "f1": 5 / 9, "balanced_accuracy": 2 / 3, "recall": 2 / 3})
    found.add(answers[:2], targets[:2])
    assert found.values()["accuracy"] == 1.0, "the state of the last evaluation is gone"


@pytest.mark.parametrize("answers", [torch.tensor([[-1.0], [2.0], [1.0], [-3.0]]),
                                     torch.tensor([[1.0, 0], [0, 2], [0, 1], [3, 0]])])  # fmt: skip
def test_of_two_classes_it_is_that_of_class_1_with_one_logit_or_two(answers) -> None:
    found = meter("f1", "precision", "auroc", "balanced_accuracy")
    found.add(answers, torch.tensor([0, 1, 0, 1]))
    expected = {"f1": 0.5, "precision": 0.5, "auroc": 0.5, "balanced_accuracy": 0.5}
    assert found.values() == pytest.approx(expected)


def test_numbers_are_shown_in_the_users_unit() -> None:
    found = meter("mae", "rmse", "r2", scale=TargetScale(mean=100.0, deviation=10.0))
    found.add(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [-1.0]]))
    assert found.values() == pytest.approx({"mae": 12.5, "rmse": math.sqrt((25 + 400) / 2), "r2": 1 - 425 / 112.5})


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("outputs", [1, 2, 4])
def test_every_metric_of_classes_takes_one_logit_and_many(name, outputs) -> None:
    generator = torch.Generator().manual_seed(0)
    found = meter(name)
    found.add(torch.randn(40, outputs, generator=generator), torch.arange(40) % max(2, outputs))
    assert math.isfinite(found.values()[name])


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_every_metric_of_numbers(name) -> None:
    found = meter(name)
    found.add(torch.linspace(1, 2, 20).unsqueeze(1), torch.linspace(1, 3, 20).unsqueeze(1))
    assert math.isfinite(found.values()[name])


def test_of_several_columns_it_is_the_mean_over_them() -> None:
    """The first column is off by 1 and -1, the second right: errors 1 and 0. Their order is turned, and kept."""
    found = meter("mae", "mse", "rmse", "r2", "pearson", "spearman")
    found.add(torch.tensor([[2.0, 1.0], [1.0, 2.0]]), torch.tensor([[1.0, 1.0], [2.0, 2.0]]))
    expected = {"mae": 0.5, "mse": 0.5, "rmse": 0.5, "r2": (-3 + 1) / 2, "pearson": 0.0, "spearman": 0.0}
    assert found.values() == pytest.approx(expected, abs=1e-6)


F1 = "torchmetrics.classification.F1Score"


@pytest.mark.parametrize(
    ("outputs", "labels", "argument", "told"),
    [
        (
            2,
            False,
            {"average": "weighted"},
            r"metrics.m.average=weighted: has no effect with task=binary.*multiclass\.",
        ),
        (2, False, {"average": "no such"}, "has no effect with task=binary"),
        (2, False, {"num_classes": 5}, "metrics.m.num_classes=5: has no effect with task=binary"),
        (1, False, {"top_k": 3}, "metrics.m.top_k=3: has no effect"),
        (2, False, {"num_labels": 2}, "metrics.m.num_labels=2: has no effect"),
        (3, False, {"threshold": 0.9}, "metrics.m.threshold=0.9: has no effect with task=multiclass"),
        (2, True, {"top_k": 2}, "has no effect with task=multilabel"),
        (2, False, {"average": "weighted", "task": "multiclass"}, ""),
        (2, False, {"num_classes": 2, "average": "micro", "threshold": 0.9}, ""),
        (3, False, {"top_k": 2, "average": "weighted"}, ""),
    ],
)
def test_an_argument_that_torchmetrics_drops_is_told(outputs: int, labels: bool, argument, told: str) -> None:
    found = MetricMeter({"m": OmegaConf.create({"_target_": F1, **argument})}, labels=labels)
    targets = torch.ones(4, outputs) if labels else torch.tensor([0, 1, 0, 1])
    if not told:
        found.add(torch.zeros(4, outputs), targets)
        return
    with pytest.raises(InputError, match=told):
        found.add(torch.zeros(4, outputs), targets)


@pytest.mark.parametrize("name", ["kappa", "balanced_accuracy"])
def test_a_metric_of_one_class_an_example_is_told_of_several_labels(name: str) -> None:
    with pytest.raises(InputError, match="is no metric for several labels of an example"):
        meter(name, labels=True).add(torch.zeros(2, 2), torch.ones(2, 2))


def test_several_labels() -> None:
    found = meter("f1", labels=True)
    found.add(torch.tensor([[1.0, -1], [1, 1]]), torch.tensor([[1.0, 0], [1, 1]]))
    assert found.values() == {"f1": 1.0}


def test_a_metric_of_the_users_gets_the_answers_as_they_are() -> None:
    found = MetricMeter({"largest": OmegaConf.create({"_target_": f"{__name__}.Largest"})})
    found.add(torch.tensor([[7.0, 2.0]]), torch.tensor([0]))
    assert found.values() == {"largest": 7.0}


@pytest.mark.parametrize(
    ("group", "targets", "told"),
    [
        ({"_target_": "torchmetrics.regression.R2Score"}, torch.tensor([0, 1]), "which have classes"),
        ({"_target_": "torchmetrics.classification.F1Score"}, torch.zeros(2, 2), "numbers to predict"),
        ({"_target_": "torchmetrics.classification.F1Score", "average": "none"}, torch.tensor([0, 2]), "not one"),
        ({"_target_": "torchmetrics.classification.F1Score", "thresh": 1}, torch.tensor([0, 1]), "thresh"),
        ({"_target_": "torchmetrics.classification.F1Scor"}, torch.tensor([0, 1]), "cannot be imported"),
    ],
)
def test_what_is_no_metric_for_the_data_is_told(group, targets, told) -> None:
    found = MetricMeter({"mine": OmegaConf.create(group)})
    with pytest.raises(InputError, match=told):
        found.add(torch.zeros(2, 3 if targets.dim() == 1 else 2), targets)
        found.values()
