"""A pass that was written down gives the bits of the pass as the network is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model import passes
from lrscope.batched.model.batched_trainer import BatchedTrainer, Member, Wanted
from lrscope.models.activation import ACTIVATIONS
from lrscope.models.cnn import CNN
from lrscope.models.linear import Linear
from lrscope.models.mlp import MLP

RATES = [1e-3, 0.03, 0.5]
NEVER = 10**9
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    **{name: lambda name=name: MLP((1, 6, 6), 3, (9, 5), activation=name) for name in ACTIVATIONS},
    "cnn": lambda: CNN((1, 6, 6), 3, channels=(4,)),
    "linear": lambda: Linear((1, 6, 6), 3),
    "sequential": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 7), nn.LayerNorm(7), nn.ReLU(), nn.Linear(7, 3)),
}


def _learner(
    make: Callable[[], nn.Module], dtype: torch.dtype, accumulate: int = 1, trace_after: int = 3
) -> BatchedTrainer:
    members = []
    for seed, rate in enumerate(RATES):
        torch.manual_seed(seed)
        network = make().to(dtype)
        members.append(Member(network, torch.optim.Adam(network.parameters(), lr=rate), seed=seed))
    return BatchedTrainer(members, functional.cross_entropy, accumulate=accumulate, trace_after=trace_after)


def _batch(step: int, own: bool, dtype: torch.dtype, members: int, size: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    shape = (members, size) if own else (size,)
    inputs = torch.randn(*shape, 1, 6, 6, generator=generator, dtype=torch.float64).to(dtype)
    return inputs, torch.randint(3, shape, generator=generator)


def _train(learner: BatchedTrainer, steps: range, own: bool, dtype: torch.dtype, accumulate: int = 1) -> Tensor:
    losses = []
    for step in steps:
        for part in range(accumulate):
            size = 8 if step % 5 else 6
            wanted = Wanted(now=step % 4 == 0, next=step % 4 == 3)
            learner.gather(*_batch(10 * step + part, own, dtype, len(learner), size), own=own, wanted=wanted)
        losses.append(learner.update(wanted))
    return torch.stack(losses)


def _both_ways(train: Callable[[int], tuple[Tensor, BatchedTrainer]]) -> BatchedTrainer:
    """Assert that the losses and weights of both are the same; the learner that traced."""
    plain, slow = train(NEVER)
    traced, fast = train(3)
    assert not slow._passes._traced
    torch.testing.assert_close(traced, plain, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(fast.stack.weights, slow.stack.weights, rtol=0, atol=0, equal_nan=True)
    return fast


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("own", [False, True], ids=["same-batches", "own-batches"])
@pytest.mark.parametrize("network", NETWORKS)
def test_same_bits(network: str, own: bool, dtype: torch.dtype) -> None:
    def train(trace_after: int) -> tuple[Tensor, BatchedTrainer]:
        learner = _learner(NETWORKS[network], dtype, trace_after=trace_after)
        return _train(learner, range(30), own, dtype), learner

    traced = _both_ways(train)._passes._traced
    assert len(traced) == 2 and None not in traced.values(), "one for each size of batch"


def test_same_bits_where_batches_add_up_and_members_leave() -> None:
    def train(trace_after: int) -> tuple[Tensor, BatchedTrainer]:
        learner = _learner(NETWORKS["relu"], torch.float32, accumulate=2, trace_after=trace_after)
        first = _train(learner, range(10), False, torch.float32, accumulate=2)
        learner.keep([0, 2])
        second = _train(learner, range(10, 25), False, torch.float32, accumulate=2)
        return torch.cat([first.flatten(), second.flatten()]), learner

    assert len(_both_ways(train)._passes._traced) == 4


def test_same_bits_where_a_member_has_diverged() -> None:
    def train(trace_after: int) -> tuple[Tensor, BatchedTrainer]:
        learner = _learner(NETWORKS["relu"], torch.float32, trace_after=trace_after)
        with torch.no_grad():
            learner.stack.weights[1] = torch.nan
        return _train(learner, range(20), False, torch.float32), learner

    assert all(_both_ways(train)._passes._traced.values())


class Noisy(nn.Module):
    """Draws at every pass: written down, it would draw the same for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(36, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.flatten(1)) + 0.1 * torch.rand(3).to(inputs.dtype)


@pytest.mark.parametrize(
    "make",
    [
        Noisy,
        lambda: MLP((1, 6, 6), 3, (9,), dropout=0.5),
        lambda: MLP((1, 6, 6), 3, (9,), batch_norm=True),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.AlphaDropout(0.5)),
    ],
    ids=["own", "dropout", "batch-norm", "alpha-dropout"],
)
def test_what_draws_or_keeps_something_is_never_written_down(make: Callable[[], nn.Module]) -> None:
    learner = _learner(make, torch.float32)
    _train(learner, range(20), False, torch.float32)
    assert not learner._passes._traced


def test_a_list_with_other_bits_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    back = passes.Passes._back
    count = 0

    def unlike(self: passes.Passes, *arguments: object) -> object:
        nonlocal count
        count += 1
        losses, gradients = back(self, *arguments)  # type: ignore[arg-type]
        return losses + (1e-6 if count == 4 else 0), gradients  # the fourth is the pass that is written down

    monkeypatch.setattr(passes.Passes, "_back", unlike)
    learner = _learner(NETWORKS["relu"], torch.float32)
    for step in range(10):
        learner.gather(*_batch(step, False, torch.float32, 3), own=False)
        learner.update()
    assert list(learner._passes._traced.values()) == [None] and count == 11
