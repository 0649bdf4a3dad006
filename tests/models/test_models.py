"""The networks: shapes, parameter names, initial weights, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lrscope.core.errors import InputError
from lrscope.models.activation import ACTIVATIONS
from lrscope.models.cnn import CNN
from lrscope.models.initialisation import INITIALISATIONS
from lrscope.models.linear import Linear
from lrscope.models.mlp import MLP


def test_linear_is_a_line_with_its_own_names():
    model = Linear((1,), 1, init="zeros")
    assert {name: value.tolist() for name, value in model.named_parameters()} == {
        "weight": [[0]],
        "bias": [0],
    }
    with torch.no_grad():
        model.weight.fill_(3)
        model.bias.fill_(1)
    assert model(torch.tensor([[2.0], [5.0]])).tolist() == [[7], [16]]


def test_linear_flattens_images():
    assert Linear((3, 4, 5), 7)(torch.zeros(2, 3, 4, 5)).shape == (2, 7)


def test_mlp_of_the_signs_study():
    """12288-25-12-6, ReLU, Xavier weights, zero biases."""
    torch.manual_seed(0)
    model = MLP((3, 64, 64), 6, hidden=[25, 12], init="xavier", zero_bias=True)
    shapes = [tuple(layer.weight.shape) for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert shapes == [(25, 12288), (12, 25), (6, 12)]
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            bound = math.sqrt(6 / (layer.in_features + layer.out_features))
            assert layer.weight.abs().max() <= bound
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)
            assert not layer.bias.any()
    assert model(torch.rand(5, 3, 64, 64)).shape == (5, 6)


def test_mlp_of_any_depth():
    assert len(list(MLP((8,), 2, hidden=[]).parameters())) == 2
    assert len(list(MLP((8,), 2, hidden=[4, 4, 4, 4]).parameters())) == 10


def test_layers_come_in_the_usual_order():
    layers = MLP((8,), 2, hidden=[4], dropout=0.2, batch_norm=True, activation="tanh").layers
    names = [type(layer).__name__ for layer in layers]
    assert names == ["Flatten", "Linear", "BatchNorm1d", "Tanh", "Dropout", "Linear"]
    blocks = CNN((1, 8, 8), 2, channels=[4], dropout=0.2, batch_norm=True).layers
    names = [type(layer).__name__ for layer in blocks]
    assert names == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Dropout", "Linear"]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 64), (1, 28, 28), (2, 5, 9)])
def test_cnn_takes_images_of_any_size(shape):
    assert CNN(shape, 6)(torch.zeros(2, *shape)).shape == (2, 6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_a_finite_gradient(name):
    model = MLP((4,), 3, activation=name)
    model(torch.randn(5, 4)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("init", INITIALISATIONS)
def test_the_seed_decides_the_weights(init):
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(CNN((1, 8, 8), 3, init=init).parameters())

    assert torch.equal(weights(1), weights(1))
    assert torch.equal(weights(1), weights(2)) == (init == "zeros")


def test_kaiming_keeps_the_size_of_what_relu_lets_through():
    torch.manual_seed(0)
    model = MLP((500,), 500, hidden=[500] * 6, init="kaiming", zero_bias=True)
    ratio = model(torch.randn(200, 500)).std()
    assert 0.5 < ratio.item() < 3


WRONG = [
    (
        lambda: MLP((4,), 2, activation="rellu"),
        "model.activation=rellu: no such activation. Choose one of relu, leaky",
    ),
    (lambda: MLP((4,), 2, init="he"), "model.init=he: no such initialisation. Choose one of default, xavier"),
    (lambda: MLP((4,), 2, hidden=[5, 0]), "model.hidden=[5, 0]: each layer needs at least 1 unit"),
    (lambda: MLP((4,), 2, dropout=1.0), "model.dropout=1.0: must be from 0 to below 1"),
    (
        lambda: CNN((4,), 2),
        "takes images [channels, height, width], but the dataset has examples of shape [4]",
    ),
    (
        lambda: CNN((1, 6, 8), 2, channels=[4, 4, 4]),
        "3 blocks need images of at least 8x8, the dataset has [1, 6, 8]",
    ),
    (lambda: CNN((1, 8, 8), 2, channels=[0]), "model.channels=[0]: each layer needs at least 1 unit"),
    (lambda: Linear((4,), 2, init="nil"), "model.init=nil: no such initialisation"),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_what_cannot_be_is_refused_in_words(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)
