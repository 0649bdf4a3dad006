"""The estimate of a member's memory is of the right size, and leaves the network alone."""

from __future__ import annotations

import torch
from torch import nn

from lrscope.batched.model.memory import footprint, free_bytes, most_members


def test_activations_count_by_example_and_weights_once() -> None:
    network = nn.Sequential(nn.Linear(64, 1000), nn.ReLU(), nn.Linear(1000, 10))
    few, many = footprint(network, torch.zeros(2, 64)), footprint(network, torch.zeros(20, 64))
    weights = 4 * sum(p.numel() for p in network.parameters())
    assert few == many
    assert 4 * weights <= few.fixed <= 10 * weights
    hidden = 4 * 1000
    assert 2 * hidden <= few.per_example <= 8 * hidden
    assert few.of_batch(32) == few.fixed + 32 * few.per_example


def test_measuring_changes_neither_statistics_nor_the_generator() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    before, generator = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    footprint(network, torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


def test_at_least_one_member_fits() -> None:
    cpu = torch.device("cpu")
    assert free_bytes(cpu) > 2**20
    assert most_members(2**60, cpu) == 1
    assert most_members(2**10, cpu) > 1000
