"""Index batches: what they hold, in which order, and how they go on after a stop."""

from __future__ import annotations

import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets import index_batches as module
from lrscope.datasets.data import Part
from lrscope.datasets.index_batches import IndexBatches, order


def numbered(n: int) -> Part:
    """Example k has input [k, 100 + k] and target k, so that a batch shows which examples it holds."""
    k = torch.arange(n)
    return Part(torch.stack([k, 100 + k], 1).float(), k)


def held(loader: IndexBatches, epoch: int) -> list[list[int]]:
    loader.set_epoch(epoch)
    return [targets.tolist() for _, targets in loader]


def test_the_order_is_fixed_for_ever():
    """Recorded runs are repeated from these orders: a change of them is a change of every result."""
    assert order(0, 0, 10).tolist() == [1, 9, 0, 8, 5, 2, 4, 3, 6, 7]
    assert order(0, 1, 10).tolist() == [3, 4, 7, 6, 0, 1, 5, 8, 2, 9]
    assert sorted(order(7, 3, 1000).tolist()) == list(range(1000))


def test_each_seed_and_epoch_has_its_own_order():
    orders = {tuple(order(seed, epoch, 50).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


def test_the_order_leaves_torchs_own_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    order(1, 2, 100)
    assert torch.rand(1) == expected


def test_batches_hold_the_examples_in_order():
    loader = IndexBatches(numbered(10), 4, seed=3)
    chosen = order(3, 2, 10)
    loader.set_epoch(2)
    inputs = torch.cat([batch for batch, _ in loader])
    assert torch.equal(inputs, numbered(10).inputs[chosen])
    assert held(loader, 2) == [chosen[:4].tolist(), chosen[4:8].tolist(), chosen[8:].tolist()]


def test_the_last_smaller_batch_is_used():
    """The SIGNS case: 1,080 by 32 gives 33 batches of 32 and one of 24."""
    loader = IndexBatches(numbered(1080), 32)
    sizes = [len(batch) for batch in held(loader, 0)]
    assert sizes == [32] * 33 + [24] and len(loader) == 34


def test_the_last_smaller_batch_can_be_dropped():
    loader = IndexBatches(numbered(10), 4, drop_last=True)
    assert [len(batch) for batch in held(loader, 0)] == [4, 4] and len(loader) == 2


def test_a_full_batch_and_an_unshuffled_pass():
    assert [sorted(batch) for batch in held(IndexBatches(numbered(5)), 0)] == [[0, 1, 2, 3, 4]]
    assert held(IndexBatches(numbered(5), 2, shuffle=False), 9) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("gather_bytes", [1, 40, 10**6])
def test_how_much_is_gathered_at_once_changes_nothing(monkeypatch, gather_bytes):
    expected = held(IndexBatches(numbered(23), 3), 1)
    monkeypatch.setattr(module, "GATHER_BYTES", gather_bytes)
    assert held(IndexBatches(numbered(23), 3), 1) == expected


@pytest.mark.parametrize("wrong", [0, -1, 11])
def test_a_batch_size_that_does_not_fit_is_refused(wrong):
    with pytest.raises(InputError, match=f"batch_size={wrong}: must be from 1 to 10, the number of training examples"):
        IndexBatches(numbered(10), wrong)


def test_a_pass_without_set_epoch_is_whole_each_time():
    loader = IndexBatches(numbered(10), 4)
    assert [len(list(loader)) for _ in range(3)] == [3, 3, 3]


def test_it_goes_on_within_an_epoch():
    loader = IndexBatches(numbered(10), 2, seed=1)
    whole = held(loader, 4)
    loader.set_epoch(4)
    iterator = iter(loader)
    for _ in range(3):
        next(iterator)
    resumed = IndexBatches(numbered(10), 2, seed=1)
    resumed.load_state_dict(loader.state_dict())
    assert resumed.state_dict() == {"epoch": 4, "batches": 3}
    assert held(resumed, 4) == whole[3:]
    assert held(resumed, 5) == held(loader, 5)
    assert held(resumed, 4) == whole


def test_a_finished_epoch_does_not_empty_the_next():
    loader = IndexBatches(numbered(10), 5)
    held(loader, 0)
    resumed = IndexBatches(numbered(10), 5)
    resumed.load_state_dict(loader.state_dict())
    assert held(resumed, 1) == held(loader, 1) and len(held(resumed, 1)) == 2


@pytest.mark.parametrize(("n", "world"), [(16, 2), (18, 4), (17, 3)])
def test_processes_share_each_batch(n, world):
    """Together they see the batches of one process, and each has equally many: gradients are averaged."""
    alone = held(IndexBatches(numbered(n), 8), 0)
    shares = [held(IndexBatches(numbered(n), 8, rank=rank, world=world), 0) for rank in range(world)]
    for number, batch in enumerate(alone):
        parts = [share[number] for share in shares]
        assert set().union(*parts) == set(batch)
        assert len({len(part) for part in parts}) == 1
