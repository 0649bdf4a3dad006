"""An update block by block gives what an update of everything at once gives."""

from __future__ import annotations

import pytest
import torch

from lrscope.batched.model.blocks import BLOCK, update_in_blocks
from lrscope.batched.model.update_rules import adam

COEFFICIENTS = {"take1": 0.1, "keep2": 0.999, "take2": 0.001, "eps": 1e-8, "root2": 0.3, "step": -0.01, "decay": 0.1}


@pytest.mark.parametrize("shape", [(3, BLOCK + 5), (70, BLOCK // 16), (2 * BLOCK, 3), (2, 2 * BLOCK)])
def test_blocks_give_what_the_whole_gives(shape):
    generator = torch.Generator().manual_seed(0)
    weights, gradients, mean = (torch.randn(shape, generator=generator) for _ in range(3))
    state = {"exp_avg": mean, "exp_avg_sq": mean.square()}
    columns = {name: value * (1 + torch.arange(shape[0]).unsqueeze(1) % 7 / 10) for name, value in COEFFICIENTS.items()}
    whole, whole_state = weights.clone(), {name: tensor.clone() for name, tensor in state.items()}
    adam(whole, gradients, whole_state, columns, {"amsgrad": False})
    assert not torch.equal(whole, weights)
    update_in_blocks(adam, weights, gradients, state, columns, {"amsgrad": False})
    torch.testing.assert_close(weights, whole, rtol=1e-6, atol=1e-6)  # some units in the last place
    torch.testing.assert_close(state, whole_state, rtol=1e-6, atol=1e-6)
