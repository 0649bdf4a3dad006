"""Convolution and pooling of all members' images at once give what each member's own layers give."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lrscope.batched.model.images import lay_side_by_side
from lrscope.batched.model.layers import over_members
from lrscope.batched.model.stack import Stack


def _below_zero() -> nn.Conv2d:
    layer = nn.Conv2d(2, 3, 3)
    nn.init.constant_(layer.bias, -1.5)
    return layer


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "convolution": lambda: nn.Conv2d(2, 3, 3, padding=1),
    "without bias": lambda: nn.Conv2d(2, 3, 3, bias=False),
    "strides": lambda: nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)),
    "dilation": lambda: nn.Conv2d(2, 4, 3, dilation=2, padding="same"),
    "groups": lambda: nn.Conv2d(2, 4, 3, groups=2),
    "reflected": lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
    "pooling": lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(2)),
    "pooling with ties": lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(3, stride=1, padding=1)),
    "pooling to the edge": lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(2, ceil_mode=True, dilation=2)),
    "pooling of the inputs": lambda: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 3, 2)),
    "pooling of what is nowhere above zero": lambda: nn.Sequential(_below_zero(), nn.ReLU(), nn.MaxPool2d(2)),
    "two and a linear": lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 2, 2, padding=1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2, 3),
    ),
}


def _compare(make: Callable[[], nn.Module], members: int, inputs: Tensor, own: bool) -> None:
    """Outputs and gradients of the stack against those of each network by itself."""
    torch.manual_seed(0)
    networks = [make().double() for _ in range(members)]
    stack = Stack(networks)
    shared = make().double()
    lay_side_by_side(shared)
    call = vmap(lambda p, x: functional_call(shared, p, (x,)), in_dims=(0, 0 if own else None))
    outputs = call(stack.everything(), inputs)
    weighing = torch.randn(outputs.shape, dtype=torch.float64)
    gradients = torch.autograd.grad((outputs * weighing).sum(), stack.leaves)
    for row, network in enumerate(networks):
        alone = network(inputs[row] if own else inputs)
        torch.testing.assert_close(outputs[row], alone, rtol=1e-12, atol=1e-12)
        expected = torch.autograd.grad((alone * weighing[row]).sum(), list(network.parameters()))
        for mine, theirs in zip(gradients, expected, strict=True):
            torch.testing.assert_close(mine[row], theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("own", [False, True], ids=["same-batches", "own-batches"])
@pytest.mark.parametrize("layer", LAYERS)
def test_as_alone(layer: str, own: bool) -> None:
    shape = (3, 4, 2, 7, 6) if own else (4, 2, 7, 6)
    _compare(LAYERS[layer], 3, torch.randn(shape, dtype=torch.float64), own)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("own", [False, True], ids=["same-batches", "own-batches"])
def test_images_of_one_plane(members: int, own: bool) -> None:
    shape = (members, 4, 1, 5, 5) if own else (4, 1, 5, 5)
    network = lambda: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2))  # noqa: E731
    _compare(network, members, torch.randn(shape, dtype=torch.float64), own)


def test_a_single_image() -> None:
    _compare(LAYERS["pooling"], 2, torch.randn(2, 6, 6, dtype=torch.float64), own=False)


def test_what_lies_channels_last_is_not_copied() -> None:
    """The first layer's outputs are pooled, and the pooled convolved, as they lie."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    stack = Stack([network, network])
    lay_side_by_side(network)
    outputs = vmap(lambda p, x: functional_call(network, p, (x,)), in_dims=(0, None))(
        stack.everything(), torch.randn(3, 1, 8, 8)
    )
    side_by_side = outputs.transpose(0, 1).flatten(1, 2)
    assert side_by_side.data_ptr() == outputs.data_ptr(), "a view"
    assert side_by_side.is_contiguous(memory_format=torch.channels_last)


def test_a_relu_acts_behind_the_pooling_unless_someone_listens() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    plain = copy.deepcopy(network)
    lay_side_by_side(network)
    images = torch.randn(3, 1, 8, 8)
    sizes: list[torch.Size] = []
    relu = network[1].forward
    network[1].forward = lambda inputs: sizes.append(inputs.shape) or relu(inputs)
    calls = [vmap(lambda x: network(x))(images.unsqueeze(0))[0]]
    listening = network[1].register_forward_hook(lambda *_: None)
    calls.append(vmap(lambda x: network(x))(images.unsqueeze(0))[0])
    listening.remove()
    assert sizes == [(3, 4, 3, 3), (3, 4, 6, 6)]
    for outputs in calls:
        torch.testing.assert_close(outputs, plain(images))


def test_nothing_that_differs_between_members() -> None:
    seen = []

    def doubled(inputs: Tensor) -> Tensor:
        seen.append(inputs.shape)
        return 2 * inputs

    outputs = vmap(lambda w, x: w * over_members(doubled, x), in_dims=(0, None))(
        torch.tensor([1.0, 3.0]), torch.ones(2)
    )
    assert outputs.tolist() == [[2.0, 2.0], [6.0, 6.0]]
    assert seen == [(1, 2)], "computed once"
