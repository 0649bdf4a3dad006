"""The losses of all members at once against torch's loss of each one alone, and the gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lrscope.batched.model.losses import member_losses


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [2, 6, 10, 17, 100])
@pytest.mark.parametrize(("members", "batch"), [(1, 32), (3, 29), (64, 32), (5, 1)])
def test_cross_entropy_is_that_of_each_member_alone(dtype, classes, members, batch):
    generator = torch.Generator().manual_seed(classes + members)
    scale = torch.logspace(-2, 2, members, dtype=dtype).view(-1, 1, 1)
    outputs = (torch.randn(members, batch, classes, generator=generator, dtype=dtype) * scale).requires_grad_()
    targets = torch.randint(classes, (batch,), generator=generator)
    together = member_losses(functional.cross_entropy, outputs, targets, own=False)
    (gradient,) = torch.autograd.grad(together.sum(), outputs)
    for row in range(members):
        one = outputs[row].detach().clone().requires_grad_()
        alone = functional.cross_entropy(one, targets)
        torch.testing.assert_close(together[row], alone, rtol=1e-6 if dtype == torch.float32 else 1e-14, atol=0)
        unit = torch.finfo(dtype).eps
        own = torch.autograd.grad(alone, one)[0]
        torch.testing.assert_close(gradient[row], own, rtol=16 * unit, atol=16 * unit / batch)
    assert gradient.is_contiguous(), "a product with a transposed gradient would round differently"


def test_members_with_batches_of_their_own():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(4, 8, 10, generator=generator)
    targets = torch.randint(10, (4, 8), generator=generator)
    together = member_losses(functional.cross_entropy, outputs, targets, own=True)
    alone = torch.stack([functional.cross_entropy(outputs[row], targets[row]) for row in range(4)])
    torch.testing.assert_close(together, alone)
