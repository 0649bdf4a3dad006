"""The loss of the best constant answer, and the other facts of data and network that are known beforehand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.core.run_facts import RunFacts
from lrscope.datasets.data import Data, Part
from lrscope.training.facts import data_facts, with_network_facts
from lrscope.training.facts.constant_answer import constant_losses, loss_floor
from lrscope.training.measures import SpreadMeter
from lrscope.training.supported import Loss


def test_of_squared_errors_it_is_the_variance_and_of_cross_entropy_the_entropy() -> None:
    numbers = 2000 + 10 * torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    expected = float(functional.mse_loss(numbers.mean(0).expand_as(numbers), numbers))
    assert constant_losses(functional.mse_loss, numbers, 2).train == pytest.approx(expected, rel=1e-4)
    classes = torch.tensor([0] * 30 + [1] * 60 + [2] * 10)
    shares = (0.3, 0.6, 0.1)
    entropy = -sum(share * math.log(share) for share in shares)
    assert constant_losses(functional.cross_entropy, classes, 3).train == pytest.approx(entropy)


@pytest.mark.parametrize("loss", [functional.l1_loss, functional.smooth_l1_loss, functional.huber_loss])
def test_of_any_other_loss_it_is_searched_for(loss: object) -> None:
    targets = torch.tensor([[1.0], [2.0], [2.5], [4.0], [9.0]])
    best = min(float(loss(torch.full((5, 1), x / 100), targets)) for x in range(1200))  # type: ignore[operator]
    found = constant_losses(loss, targets, 1).train  # type: ignore[arg-type]
    assert found == pytest.approx(best, rel=0.02)


def test_a_smoothed_cross_entropy_has_the_constant_answer_of_smoothed_labels() -> None:
    loss = nn.CrossEntropyLoss(label_smoothing=0.2)
    classes = torch.arange(300) % 3
    assert constant_losses(loss, classes, 3).train == pytest.approx(math.log(3), rel=1e-3)


def test_on_the_validation_part_the_answer_is_that_of_the_training_part() -> None:
    train, val = torch.tensor([0] * 3 + [1]), torch.tensor([0, 1])
    # -(ln 0.75 + ln 0.25) / 2
    assert constant_losses(functional.cross_entropy, train, 2, val).val == pytest.approx(0.836988, rel=1e-5)
    unseen = torch.tensor([0, 2])
    assert constant_losses(functional.cross_entropy, train, 3, unseen).val is None, "its loss would be infinite"
    numbers, others = torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [5.0]])
    assert constant_losses(functional.mse_loss, numbers, 1, others).val == pytest.approx(9.0)
    found = constant_losses(functional.l1_loss, torch.tensor([[1.0], [2.0], [9.0]]), 1, torch.tensor([[4.0]])).val
    assert found == pytest.approx(2.0, rel=0.02)
    smoothed = constant_losses(nn.CrossEntropyLoss(label_smoothing=0.1), train, 2, val).val
    # targets 0.95/0.05: shares 0.725, 0.275; validation targets are even: -(ln 0.725 + ln 0.275) / 2
    assert smoothed == pytest.approx(0.806286, rel=1e-3)


@pytest.mark.parametrize(("smoothing", "classes"), [(0.1, 10), (0.2, 3), (0.9, 2)])
def test_the_floor_of_smoothed_labels_is_their_entropy(smoothing: float, classes: int) -> None:
    rest = smoothing / classes
    entropy = -(1 - smoothing + rest) * math.log(1 - smoothing + rest) - (classes - 1) * rest * math.log(rest)
    loss, labels = nn.CrossEntropyLoss(label_smoothing=smoothing), torch.arange(120) % classes
    assert loss_floor(loss, labels, classes, math.log(classes)) == pytest.approx(entropy, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (functional.mse_loss, torch.randn(50, 2)),
        (functional.l1_loss, torch.randn(50, 1)),
        (functional.huber_loss, torch.randn(50, 1)),
        (functional.cross_entropy, torch.arange(50) % 2),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0], dtype=torch.float64)), torch.arange(50) % 2),
    ],
)
def test_an_ordinary_loss_has_no_floor(loss: Loss, targets: Tensor) -> None:
    outputs = targets.shape[1] if targets.dim() > 1 else 2
    assert loss_floor(loss, targets, outputs, 0.7) == 0.0


def test_broken_examples_and_contradicting_labels_are_counted() -> None:
    inputs, targets = torch.zeros(8, 2), torch.tensor([0, 1] * 4)
    inputs[3, 0], inputs[5, 1] = math.nan, math.inf
    assert data_facts(Data("d", "classification", Part(inputs, targets), classes=("a", "b"))).broken_examples == 2
    whole = Data("d", "classification", Part(torch.zeros(8, 2), targets), classes=("a", "b"))
    assert data_facts(whole).broken_examples == 0
    assert data_facts(whole).floor_loss == pytest.approx(math.log(2))
    numbers = Data("d", "regression", Part(torch.zeros(2, 1), torch.tensor([[1.0], [3.0]])))
    assert data_facts(numbers).floor_loss == pytest.approx(1.0)
    assert data_facts(numbers).target_range == (1.0, 3.0)
    different = Data("d", "regression", Part(torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [3.0]])))
    assert data_facts(different).floor_loss == 0


@pytest.mark.parametrize(
    ("end", "name"),
    [(nn.Softmax(-1), "softmax"), (nn.Sigmoid(), "sigmoid"), (nn.Tanh(), "tanh"), (nn.ReLU(), "relu"),
     (nn.Identity(), None), (nn.LogSoftmax(-1), None)],
)  # fmt: skip
def test_what_bounds_the_answers_is_seen_in_modules_and_functions(end: nn.Module, name: str | None) -> None:
    class Called(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return end(self.layer(x)).view(len(x), 3)

    inputs = torch.randn(20, 4)
    for network in (nn.Sequential(nn.Linear(4, 3), end), Called()):
        assert with_network_facts(RunFacts(), network, inputs).answers == name


def test_looking_at_a_network_leaves_it_and_the_random_numbers_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Sigmoid(), nn.Dropout(0.9), nn.Linear(8, 2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    drawn = torch.get_rng_state()
    facts = with_network_facts(
        RunFacts(), network, 1e6 * torch.randn(10, 4, generator=torch.Generator().manual_seed(3))
    )
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert network.training and all(p.grad is None for p in network.parameters())
    assert facts.dropout == 0.9 and facts.batch_norm
    assert facts.saturated is not None and facts.saturated > 0.9


def test_the_spread_of_numbers_is_held_against_their_targets_where_these_spread_less() -> None:
    x = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))

    def output_spread(outputs: Tensor, targets: Tensor) -> Tensor:
        meter = SpreadMeter()
        for part in (slice(0, 100), slice(100, 400)):
            meter.add(outputs[part], targets[part])
        return meter.value()

    assert float(output_spread(2000 + 10 * x, 2000 + 10 * x)) == pytest.approx(1, rel=1e-3)
    assert float(output_spread(torch.full((400, 1), 2000.0), 2000 + 10 * x)) == 0
    assert float(output_spread(1e-4 * x, 10 * x)) > 1, "small answers that depend on the input are no collapse"
