"""The drawn hands: sizes of SIGNS, told apart by what they show, and called drawn."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrscope.datasets.fingers import _drawn, fingers
from lrscope.models.cnn import CNN


def test_sizes_are_those_of_signs():
    data = fingers()
    assert (len(data.train), len(data.val), data.input_shape, data.outputs) == (1080, 120, (3, 64, 64), 6)
    assert data.class_shares == (1 / 6,) * 6
    assert data.val.targets.bincount().tolist() == [20] * 6
    assert data.train.inputs.min() >= 0 and data.train.inputs.max() <= 1


def test_they_are_called_drawn():
    assert "drawn hands (not photographs)" in fingers().source


def test_no_drawing_stands_twice():
    data = fingers()
    both = torch.cat([data.train.inputs, data.val.inputs]).flatten(1)
    assert len({row.tobytes() for row in both.numpy()}) == 1200


@pytest.mark.long
def test_they_follow_their_seed():
    first = fingers(seed=0).digest
    _drawn.cache_clear()
    assert fingers(seed=0).digest == first
    assert fingers(seed=1).digest != first


@pytest.mark.long
def test_what_they_show_can_be_learnt():
    """The number of fingers is in the picture: a small convolutional net generalises far beyond 1/6. (At higher rates
    some seeds collapse here, which is what such data is for.)"""
    data = fingers()
    small = [nn.functional.avg_pool2d(part.inputs, 2) for part in (data.train, data.val)]
    torch.manual_seed(0)
    net = CNN((3, 32, 32), 6, channels=[12, 24, 24])
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(12):
        for batch in torch.randperm(1080).split(60):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(small[0][batch]), data.train.targets[batch]).backward()
            optimizer.step()
    accuracy = (net(small[1]).argmax(1) == data.val.targets).float().mean().item()
    assert accuracy > 0.4
