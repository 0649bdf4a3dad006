"""The signals of a step, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lrscope.training.measures import DeadUnitsMeter, SpreadMeter, UpdateMeter, grad_norm


def test_grad_norm_is_that_of_all_gradients_as_one_vector() -> None:
    a, b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert float(grad_norm([a, b])) == 5
    b.grad = None
    assert float(grad_norm([a, b])) == 3
    a.grad = None
    assert float(grad_norm([a, b])) == 0


def test_ratio_and_cosine_of_updates() -> None:
    w = nn.Parameter(torch.tensor([3.0, 4.0]))
    meter = UpdateMeter([w])
    readings = []
    for step, target in enumerate([[3.0, 4.5], [3.0, 4.0], [3.4, 4.3], [3.4, 4.3]]):
        meter.before(measured=step > 0, next_measured=True)
        with torch.no_grad():
            w.copy_(torch.tensor(target))
        readings.append(meter.after())
    first, second, third, fourth = readings
    assert first is None
    assert second is not None and second.cosine is not None
    assert float(second.ratio) == pytest.approx(0.5 / math.hypot(3, 4.5))
    assert float(second.cosine) == pytest.approx(-1)
    assert third is not None and third.cosine is not None
    assert float(third.ratio) == pytest.approx(0.5 / 5)
    assert float(third.cosine) == pytest.approx(-0.6)
    assert fourth is not None and fourth.cosine is not None
    assert float(fourth.ratio) == 0
    assert math.isnan(float(fourth.cosine))


def test_cosine_only_where_the_update_before_was_followed() -> None:
    w = nn.Parameter(torch.ones(2))
    meter = UpdateMeter([w])
    plan = [(True, False), (False, False), (False, True), (True, False)]
    readings = []
    for measured, next_measured in plan:
        meter.before(measured, next_measured)
        with torch.no_grad():
            w += 1
        readings.append(meter.after())
    assert readings[0] is not None and readings[0].cosine is None
    assert readings[1] is None and readings[2] is None
    last = readings[3]
    assert last is not None and last.cosine is not None
    assert float(last.cosine) == pytest.approx(1)
    assert float(last.ratio) == pytest.approx(1 / 4)


def test_frozen_parameters_do_not_count() -> None:
    w, frozen = nn.Parameter(torch.tensor([2.0])), nn.Parameter(torch.tensor([100.0]), requires_grad=False)
    meter = UpdateMeter([w, frozen])
    meter.before(True, False)
    with torch.no_grad():
        w += 1
    reading = meter.after()
    assert reading is not None
    assert float(reading.ratio) == 0.5


def dead_share(output: torch.Tensor) -> float:
    """What the meter finds where a ReLU puts this out."""
    model = nn.Sequential(nn.ReLU())
    meter = DeadUnitsMeter(model)
    meter.listen()
    model(output)
    found = meter.read()
    assert found is not None
    return float(found.share)


def test_a_unit_is_dead_when_it_is_zero_for_every_example() -> None:
    assert dead_share(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]])) == 0.5


def test_a_channel_is_dead_when_it_is_zero_everywhere() -> None:
    output = torch.zeros(3, 4, 2, 2)
    output[1, 2, 0, 1] = 5
    assert dead_share(output) == 0.75


def test_dead_units_by_layer_and_over_all() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.fill_(0.1)
            layer.bias.fill_(1.0)
        model[0].bias[:3] = -10
        model[2].bias[:] = -10
    meter = DeadUnitsMeter(model)
    meter.listen()
    model(torch.ones(5, 2))
    reading = meter.read()
    assert reading is not None
    assert [float(layer) for layer in reading.layers] == [0.75, 1.0]
    assert float(reading.share) == pytest.approx(5 / 6)
    assert not model[1]._forward_hooks
    model(torch.ones(5, 2))
    assert meter.read() is None


@pytest.mark.parametrize(("activation", "alive", "dead"), [(nn.Tanh(), 3.0, 8.0), (nn.Sigmoid(), 5.0, 20.0)])
def test_a_saturating_unit_is_dead_where_nothing_passes_back(activation: nn.Module, alive: float, dead: float) -> None:
    model = nn.Sequential(activation)
    meter = DeadUnitsMeter(model)
    meter.listen()
    model(torch.tensor([[alive, dead, -dead], [dead, dead, dead]]))
    reading = meter.read()
    assert reading is not None
    assert float(reading.share) == pytest.approx(2 / 3)


def test_a_network_without_watched_layers_says_so() -> None:
    assert not DeadUnitsMeter(nn.Linear(2, 2)).found
    assert DeadUnitsMeter(nn.Sequential(nn.ReLU())).found


def spread(*pieces: torch.Tensor) -> float:
    meter = SpreadMeter()
    for piece in pieces:
        meter.add(piece)
    return float(meter.value())


def test_spread_is_the_deviation_over_the_size() -> None:
    assert spread(torch.tensor([[1.0], [-1.0]])) == pytest.approx(1)
    assert spread(torch.full((7, 3), 2.5)) == 0
    assert spread(torch.zeros(7, 3)) == 0


def test_spread_in_pieces_is_that_of_the_whole() -> None:
    torch.manual_seed(0)
    outputs = 100 + torch.randn(50, 3)
    exact = outputs.double().std(dim=0, correction=0).mean() / outputs.double().abs().mean()
    assert spread(*outputs.split(7)) == pytest.approx(float(exact), rel=1e-5)
    assert math.isnan(float(SpreadMeter().value()))
