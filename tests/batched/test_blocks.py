"""An update block by block gives the bits of an update of everything at once."""

from __future__ import annotations

import pytest
import torch

from lrscope.batched.model.blocks import BLOCK, update_in_blocks
from lrscope.batched.model.update_rules import adam

COEFFICIENTS = {"take1": 0.1, "keep2": 0.999, "take2": 0.001, "eps": 1e-8, "root2": 0.3, "step": -0.01, "decay": 0.1}


@pytest.mark.parametrize("shape", [(3, BLOCK + 5), (70, BLOCK // 16), (2 * BLOCK, 3), (2, 2 * BLOCK)])
def test_blocks_have_the_bits_of_the_whole(shape):
    generator = torch.Generator().manual_seed(0)
    weights, gradients, mean = (torch.randn(shape, generator=generator) for _ in range(3))
    state = {"exp_avg": mean, "exp_avg_sq": mean.square()}
    columns = {name: value * (1 + torch.arange(shape[0]).unsqueeze(1) % 7 / 10) for name, value in COEFFICIENTS.items()}
    whole, whole_state = weights.clone(), {name: tensor.clone() for name, tensor in state.items()}
    adam(whole, gradients, whole_state, columns, {"amsgrad": False})
    assert not torch.equal(whole, weights)
    update_in_blocks(adam, weights, gradients, state, columns, {"amsgrad": False})
    assert torch.equal(weights, whole)
    assert all(torch.equal(state[name], whole_state[name]) for name in state)
