"""Members are independent; clipping, accumulation, signals and state are each member's own."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member, Wanted
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.member_rates import Schedule
from lrscope.batched.model.stack import CannotStack
from lrscope.training.measures import DeadUnitsMeter, UpdateMeter, grad_norm

RATES = [1e-4, 1e-2, 0.3, 1.0, 30.0]


def network(seed: int = 0, dropout: float = 0.0, norm: bool = False) -> nn.Module:
    torch.manual_seed(seed)
    first = [nn.Linear(5, 8, bias=False), nn.BatchNorm1d(8)] if norm else [nn.Linear(5, 8)]
    rest = [nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)]
    return nn.Sequential(*first, *rest).double()


def member(rate: float, seed: int = 0, clipping: Clipping | None = None, **options: float | bool) -> Member:
    made = network(seed, **options)  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(made.parameters(), lr=rate)
    schedule = Schedule(torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99), "step")
    return Member(made, optimizer, schedule, seed, clipping, torch.get_rng_state())


def batch(step: int, size: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(size, 5, generator=generator, dtype=torch.float64)
    return inputs, (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0)


def train(learner: BatchedTrainer, steps: Sequence[int]) -> Tensor:
    losses = []
    for step in steps:
        learner.gather(*batch(step), own=False)
        losses.append(learner.update())
    return torch.stack(losses)


def test_dropping_members_leaves_the_others_as_they_are() -> None:
    """To within roundings: fewer members are products of another shape."""
    whole = BatchedTrainer([member(rate, dropout=0.2, norm=True) for rate in RATES], functional.cross_entropy)
    shrinking = BatchedTrainer([member(rate, dropout=0.2, norm=True) for rate in RATES], functional.cross_entropy)
    train(whole, range(30))
    train(shrinking, range(10))
    shrinking.keep([0, 1, 3])
    train(shrinking, range(10, 20))
    shrinking.keep([0, 2])
    train(shrinking, range(20, 30))
    assert shrinking.alive == [0, 3]
    for row, number in enumerate(shrinking.alive):
        left, right = shrinking.stack.member_state(row), whole.stack.member_state(number)
        torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-9)
        assert shrinking.rates.current[row] == whole.rates.current[number]


def test_a_member_that_overflows_touches_nobody() -> None:
    tame, wild = (
        BatchedTrainer([*(member(rate) for rate in RATES), member(last)], functional.cross_entropy)
        for last in (1e-3, 1e300)
    )
    train(tame, range(20))
    losses = train(wild, range(20))
    assert not losses[-1, -1].isfinite()
    assert torch.equal(wild.stack.weights[:-1], tame.stack.weights[:-1])


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_each_member_is_clipped_by_its_own_limit(algorithm: str) -> None:
    limits = [0.001, 0.3, None]
    members = [member(0.1, clipping=Clipping(c, algorithm) if c else None) for c in limits]
    learner = BatchedTrainer(members, functional.cross_entropy)
    train(learner, range(10))
    for row, limit in enumerate(limits):
        alone = member(0.1)
        clip: Callable[[], object] = {
            "norm": lambda n=alone.network, c=limit: nn.utils.clip_grad_norm_(n.parameters(), c),
            "value": lambda n=alone.network, c=limit: nn.utils.clip_grad_value_(n.parameters(), c),
        }[algorithm]
        for step in range(10):
            _backward(alone, *batch(step))
            if limit is not None:
                clip()
            _step(alone)
        _assert_equal(learner, row, alone)


def test_accumulated_batches_make_one_update() -> None:
    learner = BatchedTrainer([member(0.01), member(0.1)], functional.cross_entropy, accumulate=2)
    for step in range(6):
        learner.gather(*batch(2 * step), own=False)
        learner.gather(*batch(2 * step + 1, 9), own=False)
        losses = learner.update()
    for row, rate in enumerate((0.01, 0.1)):
        alone = member(rate)
        for step in range(6):
            first = _backward(alone, *batch(2 * step), share=0.5)
            second = _backward(alone, *batch(2 * step + 1, 9), share=0.5)
            _step(alone)
        _assert_equal(learner, row, alone)
        torch.testing.assert_close(losses[row], (first + second) / 2, rtol=1e-12, atol=0)


def test_signals_are_those_of_the_solo_meters() -> None:
    learner = BatchedTrainer([member(rate) for rate in RATES], functional.cross_entropy)
    kept = {2, 3, 7}
    measured = {}
    for step in range(9):
        wanted = Wanted(step in kept, step + 1 in kept)
        learner.signals = {}
        learner.gather(*batch(step), own=False, wanted=wanted)
        learner.update(wanted)
        measured[step] = learner.signals
    assert all(bool(measured[step]) == (step in kept) for step in range(9))
    for row, rate in enumerate(RATES):
        alone = member(rate)
        updates, dead = UpdateMeter(alone.network.parameters()), DeadUnitsMeter(alone.network)
        for step in range(9):
            if step in kept:
                dead.listen()
            _backward(alone, *batch(step))
            norm, units = grad_norm(alone.network.parameters()), dead.read()
            updates.before(step in kept, step + 1 in kept)
            _step(alone)
            reading = updates.after()
            if step in kept:
                assert reading is not None and reading.cosine is not None and units is not None
                expected = {"grad_norm": norm, "update_ratio": reading.ratio, "update_cosine": reading.cosine}
                expected |= {"dead_units": units.share} | {f"dead_units/{k + 1}": u for k, u in enumerate(units.layers)}
                got = {name: values[row] for name, values in measured[step].items()}
                torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_members_go_on_from_their_own_states_with_the_same_bits() -> None:
    """Also when one was dropped before, and what is saved has gone through a file."""
    settings = [{"rate": rate, "seed": k % 2, "dropout": 0.3, "norm": True} for k, rate in enumerate(RATES)]
    whole, first = (BatchedTrainer([member(**s) for s in settings], functional.cross_entropy) for _ in range(2))
    train(whole, range(8))
    whole.keep([0, 1, 3])
    expected = train(whole, range(8, 20))
    train(first, range(8))
    first.keep([0, 1, 3])
    train(first, range(8, 12))
    saved = io.BytesIO()
    torch.save([_state(first, row) for row in range(3)], saved)
    saved.seek(0)
    states = torch.load(saved, weights_only=True)
    again = [_restored(member(**settings[k]), state) for k, state in zip((0, 1, 3), states, strict=True)]
    resumed = BatchedTrainer(again, functional.cross_entropy, steps=12)
    assert torch.equal(train(resumed, range(12, 20)), expected[4:])
    assert torch.equal(resumed.stack.weights, whole.stack.weights)
    assert all(torch.equal(b, whole.stack.buffers[name]) for name, b in resumed.stack.buffers.items())
    assert resumed.rates.current == whole.rates.current


def test_a_members_states_load_into_the_solo_objects() -> None:
    learner = BatchedTrainer([member(rate, norm=True) for rate in RATES], functional.cross_entropy)
    train(learner, range(7))
    alone = member(RATES[1], norm=True)
    alone.network.load_state_dict(learner.stack.member_state(1))
    alone.optimizer.load_state_dict(learner.member_optimizer_state(1))
    scheduler = learner.rates.scheduler_of(1)
    assert scheduler is not None and alone.schedule is not None
    alone.schedule.scheduler.load_state_dict(scheduler.state_dict())
    train(learner, range(7, 12))
    for step in range(7, 12):
        _backward(alone, *batch(step))
        _step(alone)
    _assert_equal(learner, 1, alone)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (lambda: [member(0.1), Member(flat := nn.Linear(2, 2), torch.optim.Adam(flat.parameters()))], "differ"),
        (
            lambda: [Member(nn.Linear(2, 2), torch.optim.Adam([nn.Parameter(torch.zeros(2))])) for _ in range(2)],
            "does not hold every parameter",
        ),
        (lambda: [_with(torch.optim.Adam), _with(torch.optim.SGD)], "several classes"),
        (lambda: [_with(torch.optim.Adadelta)] * 2, "no batched update rule for Adadelta"),
        (lambda: [_with(torch.optim.Adam), _with(torch.optim.Adam, amsgrad=True)], "amsgrad"),
    ],
)
def test_what_cannot_be_stacked_says_why(members: Callable[[], list[Member]], reason: str) -> None:
    with pytest.raises(CannotStack, match=reason):
        BatchedTrainer(members(), functional.cross_entropy)


def _state(learner: BatchedTrainer, row: int) -> dict[str, object]:
    scheduler = learner.rates.scheduler_of(row)
    return {
        "network": learner.stack.member_state(row),
        "optimizer": learner.member_optimizer_state(row),
        "scheduler": scheduler.state_dict() if scheduler is not None else None,
        "generator": learner.member_generator(row),
    }


def _restored(alone: Member, state: dict[str, Any]) -> Member:
    alone.network.load_state_dict(state["network"])
    alone.optimizer.load_state_dict(state["optimizer"])
    assert alone.schedule is not None
    alone.schedule.scheduler.load_state_dict(state["scheduler"])
    return replace(alone, generator=state["generator"])


def _with(kind: type[torch.optim.Optimizer], **options: bool) -> Member:
    made = network()
    return Member(made, kind(made.parameters(), lr=0.1, **options))  # type: ignore[call-arg]


def _backward(alone: Member, inputs: Tensor, targets: Tensor, share: float = 1.0) -> Tensor:
    loss = functional.cross_entropy(alone.network(inputs), targets)
    (loss * share).backward()
    return loss.detach()


def _step(alone: Member) -> None:
    alone.optimizer.step()
    alone.optimizer.zero_grad()
    assert alone.schedule is not None
    alone.schedule.scheduler.step()


def _assert_equal(learner: BatchedTrainer, row: int, alone: Member) -> None:
    torch.testing.assert_close(learner.stack.member_state(row), dict(alone.network.state_dict()), rtol=0, atol=1e-12)
