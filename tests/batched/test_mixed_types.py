"""In a mixed precision each layer and loss of a stack gives the type that it gives alone, and the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from lrscope.batched.model.forward import Forward
from lrscope.batched.model.losses import member_losses
from lrscope.batched.model.stack import Stack

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(5, 4), (8, 5)),
    "linear of sequences": (lambda: nn.Linear(5, 4), (8, 3, 5)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3), (8, 2, 6)),
    "conv2d": (lambda: nn.Conv2d(2, 3, 3, padding=1), (8, 2, 6, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 3), (8, 2, 4, 4, 4)),
    "two": (lambda: nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4, bias=False)), (8, 5)),
}
LOSSES = {
    "cross entropy": (lambda answers, targets: functional.cross_entropy(answers, targets.argmax(1))),
    "smoothed": (lambda answers, targets: functional.cross_entropy(answers, targets.argmax(1), label_smoothing=0.1)),
    "bce": functional.binary_cross_entropy_with_logits,
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
    "by hand": (lambda answers, targets: (answers - targets).square().mean()),
}
HALF = [torch.float16, torch.bfloat16]


@pytest.fixture
def device(device: str) -> str:
    """torch's name of it."""
    return "cuda" if device == "gpu" else device


@pytest.mark.parametrize("half", HALF)
@pytest.mark.parametrize("layer", LAYERS)
def test_layers(layer: str, half: torch.dtype, device: str) -> None:
    make, shape = LAYERS[layer]
    torch.manual_seed(0)
    networks, inputs = [make() for _ in range(2)], torch.randn(shape).to(device)
    stack = Stack(networks, device)
    with torch.autocast(device, half):
        outputs = Forward(networks[0], stack).train(inputs, own=False)
        for network, own in zip(networks, outputs, strict=True):
            _assert_alike(own, network.to(device)(inputs), half)


@pytest.mark.parametrize("half", HALF)
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss: str, half: torch.dtype, device: str) -> None:
    torch.manual_seed(0)
    answers, targets = torch.randn(2, 8, 5, dtype=half).to(device), torch.rand(8, 5).to(device)
    with torch.autocast(device, half):
        losses = member_losses(LOSSES[loss], answers, targets, own=False)
        for mine, own in zip(losses, answers, strict=True):
            _assert_alike(mine, LOSSES[loss](own, targets), half)


def test_without_autocast_nothing_is_cast(device: str) -> None:
    network = nn.Linear(5, 4).to(device)
    inputs = torch.randn(8, 5).to(device)
    (own,) = Forward(network, Stack([network], device)).train(inputs, own=False)
    torch.testing.assert_close(own, functional_call(network, dict(network.named_parameters()), inputs))
    assert own.dtype == torch.float32


def _assert_alike(mine: Tensor, own: Tensor, half: torch.dtype) -> None:
    assert mine.dtype == own.dtype
    near = 2 * torch.finfo(half if own.dtype == half else torch.float32).eps
    torch.testing.assert_close(mine, own, rtol=near, atol=near)
