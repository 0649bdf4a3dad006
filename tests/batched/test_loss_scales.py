"""In float16 every member has a loss scale of its own, which does what torch's GradScaler does for it alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from test_learner import _state
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adagrad, Adam, Optimizer, RMSprop

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member, Wanted
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.loss_scales import START
from lrscope.training.measures import grad_norm

BURSTS = [(), (5,), (7,), (3, 5)]
"""Of each member the updates at which its gradients are far too large for float16: every so many, from the first on."""

MARKS = (3, 5, 7)
STEPS = 24
"""So few that the smallest scale loses no gradients yet."""


@pytest.fixture
def device(device: str) -> str:
    """torch's name of it."""
    return "cuda" if device == "gpu" else device


class Bursting(nn.Module):
    """A small network whose outputs are a million times as large on batches that say so, by a mark for each
    interval. Which updates are skipped is thus no matter of roundings.
    """

    def __init__(self, intervals: Sequence[int]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
        self.register_buffer("bursts", torch.tensor([1e6 * (every in intervals) for every in MARKS]))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs[:, 3:]).float() / 16 * (1 + (inputs[:, :3] * self.bursts).sum(1, keepdim=True))


def member(
    bursts: Sequence[int], kind: type[Optimizer] = Adam, clipping: Clipping | None = None, **more: Any
) -> Member:
    network = Bursting(bursts)
    return Member(network, kind(network.parameters(), lr=1e-3, **more), None, 0, clipping, torch.get_rng_state())


def batch(step: int, device: str) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(16, 8, generator=torch.Generator().manual_seed(step))
    inputs[:, :3] = torch.tensor([step % every == 0 for every in MARKS])
    return inputs.to(device), (inputs[:, 3] > 0).long().to(device)


class Alone:
    """The slow twin: a plain loop with torch's own scaler."""

    def __init__(self, of: Member, device: str, accumulate: int = 1) -> None:
        self.network, self.optimizer, self._clipping = of.network.to(device).train(), of.optimizer, of.clipping
        self.scaler = torch.amp.GradScaler(device)
        self._device, self._accumulate = device, accumulate
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.scales = [START]

    def step(self, number: int) -> None:
        losses = []
        for k in range(self._accumulate):
            inputs, targets = batch(number * self._accumulate + k, self._device)
            with torch.autocast(self._device, torch.float16, cache_enabled=False):
                losses.append(functional.mse_loss(self.network(inputs)[:, 0], targets.float()))
            self.scaler.scale(losses[-1] / self._accumulate).backward()
        self.scaler.unscale_(self.optimizer)
        self.norms.append(float(grad_norm(self.network.parameters())))
        if self._clipping is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._clipping.limit)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.losses.append(float(torch.stack(losses).detach().mean()))
        self.scales.append(self.scaler.get_scale())


def squares(answers: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(answers[:, 0], targets.float())


def step(learner: BatchedTrainer, number: int, device: str, accumulate: int = 1) -> Tensor:
    for k in range(accumulate):
        with torch.autocast(device, torch.float16, cache_enabled=False):
            learner.gather(*batch(number * accumulate + k, device), own=False, wanted=Wanted(now=True))
    return learner.update(Wanted(now=True))


CASES: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd with momentum and dampening": {"kind": SGD, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    "rmsprop": {"kind": RMSprop, "momentum": 0.5},
    "adagrad": {"kind": Adagrad, "lr_decay": 0.1},
    "clipped": {"clipping": Clipping(0.05)},
}


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_each_member_skips_and_goes_on_as_alone(case: str, accumulate: int, device: str) -> None:
    """Losses, gradient norms (unscaled) and scales of every update, and what is left in the end."""
    learner = BatchedTrainer(
        [member(bursts, **CASES[case]) for bursts in BURSTS], squares, device, accumulate=accumulate, scaled=True
    )
    alone = [Alone(member(bursts, **CASES[case]), device, accumulate) for bursts in BURSTS]
    for number in range(STEPS // accumulate):
        losses = step(learner, number, device, accumulate)
        for row, one in enumerate(alone):
            one.step(number)
            assert float(losses[row]) == pytest.approx(one.losses[-1], rel=1e-3)
            assert learner.member_loss_scale(row) == one.scaler.state_dict()
            norm, skips = float(learner.signals["grad_norm"][row]), one.scales[-1] < one.scales[-2]
            assert skips == any((number * accumulate + k) % e == 0 for e in BURSTS[row] for k in range(accumulate))
            if skips:
                assert not math.isfinite(norm) and not math.isfinite(one.norms[-1])
                assert float(learner.signals["update_ratio"][row]) == 0.0
            else:
                assert norm == pytest.approx(one.norms[-1], rel=5e-3)
    for row, one in enumerate(alone):
        saved, mine = one.optimizer.state_dict()["state"], learner.member_optimizer_state(row)["state"]
        assert mine.keys() == saved.keys()
        for number, own in saved.items():
            assert mine[number].get("step") == own.get("step")
            assert all(_apart(mine[number][name], own[name]) < 0.05 for name in own if own[name] is not None)
        weights = learner.stack.member_state(row)
        assert all(_apart(weights[name], tensor) < 5e-3 for name, tensor in one.network.state_dict().items())


def test_a_scale_grows_behind_2000_updates_in_a_row_and_a_skip_starts_the_count_again(device: str) -> None:
    """Hand-worked: the first doubles at the second update, the second at none, the third is halved at both."""
    known = [(1024.0, 1998), (1024.0, 1000), (2.0**40, 1999)]
    states = [{"scale": scale, "_growth_tracker": tracker} for scale, tracker in known]
    members = [replace(member(()), loss_scale=state) for state in states]
    learner = BatchedTrainer(members, squares, device, scaled=True)
    for number in range(2):
        step(learner, number, device)
    found = [learner.member_loss_scale(row) for row in range(3)]
    assert [(own["scale"], own["_growth_tracker"]) for own in found if own] == [
        (2048.0, 0),
        (1024.0, 1002),
        (2.0**38, 0),
    ]


def test_members_that_leave_take_their_scales_along(device: str) -> None:
    whole, shrinking = (
        BatchedTrainer([member(bursts) for bursts in BURSTS], squares, device, scaled=True) for _ in "ab"
    )
    for number in range(STEPS):
        if number == 6:
            shrinking.keep([1, 3])
        step(whole, number, device)
        step(shrinking, number, device)
    for row, number in enumerate((1, 3)):
        assert shrinking.member_loss_scale(row) == whole.member_loss_scale(number)
        mine, other = shrinking.stack.member_state(row), whole.stack.member_state(number)
        torch.testing.assert_close(mine, other, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("done", [1, 12])
def test_members_go_on_from_their_own_states(case: str, done: int, device: str) -> None:
    """With the same bits, also one that has skipped every update so far."""
    whole, first = (
        BatchedTrainer([member(bursts, **CASES[case]) for bursts in BURSTS], squares, device, scaled=True) for _ in "ab"
    )
    _steps([whole, first], range(done), device)
    again = []
    for row, bursts in enumerate(BURSTS):
        made, state = member(bursts, **CASES[case]), _state(first, row)
        made.network.load_state_dict(state["network"])  # type: ignore[arg-type]
        made.optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
        again.append(replace(made, loss_scale=first.member_loss_scale(row)))
    resumed = BatchedTrainer(again, squares, device, steps=done, scaled=True)
    _steps([whole, resumed], range(done, STEPS), device)
    assert torch.equal(whole.stack.weights, resumed.stack.weights)
    assert [whole.member_loss_scale(row) for row in range(4)] == [resumed.member_loss_scale(row) for row in range(4)]


def _steps(learners: Sequence[BatchedTrainer], numbers: range, device: str) -> None:
    for number in numbers:
        for learner in learners:
            step(learner, number, device)


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm().clamp_min(1e-12))
