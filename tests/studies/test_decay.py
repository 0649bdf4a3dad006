"""Study 2: rates of the first 24 steps, and what a decay does that is fast enough to matter."""

from __future__ import annotations

from itertools import pairwise

import pytest
from command import Command, train


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory) -> Command:
    return train(tmp_path_factory.mktemp("decay"), "experiment=decay")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Command:
    folder = tmp_path_factory.mktemp("comparison")
    return train(folder, "experiment=decay", "epochs=100", "scheduler.decay_steps=50")


def test_three_members_of_24_steps(two_epochs):
    assert two_epochs.code == 0, two_epochs.output
    names = [member.params["scheduler.name"] for member in two_epochs.members()]
    assert sorted(names) == ["constant", "exponential", "staircase"]
    for member in two_epochs.members():
        assert list(member.curve("train/loss")) == list(range(24))
        assert member.params["model.hidden"] == "[6]"


def test_the_rates_of_the_table(two_epochs):
    rates = two_epochs.member(scheduler__name="exponential").curve("lr")
    table = {0: 1.0, 1: 0.9999996, 2: 0.9999992, 3: 0.9999988, 23: 0.9999906}
    for step, rate in table.items():
        assert rates[step] == pytest.approx(rate, abs=1e-7)
    assert rates == {step: 0.96 ** (step / 100_000) for step in range(24)}


def test_stairs_of_100000_steps_are_a_constant_in_24(two_epochs):
    constant, stairs = (two_epochs.member(scheduler__name=name) for name in ("constant", "staircase"))
    assert set(stairs.values("lr")) == set(constant.values("lr")) == {1.0}
    assert stairs.values("train/loss") == constant.values("train/loss")


def test_examples_are_counted_in_each_epoch(two_epochs):
    for member in two_epochs.members():
        assert member.values("examples_in_epoch") == [100 * (k % 12 + 1) for k in range(24)]


def test_such_a_decay_is_said_never_to_have_moved(two_epochs):
    found = two_epochs.member(scheduler__name="exponential")
    assert found.verdict == "schedule never moved"


def test_a_faster_decay_follows_its_formula_for_1200_steps(comparison):
    assert comparison.code == 0, comparison.output
    smooth, stairs = (comparison.member(scheduler__name=name).curve("lr") for name in ("exponential", "staircase"))
    assert {step: 0.96 ** (step / 50) for step in smooth} == smooth and len(smooth) == 1200
    assert {step: 0.96 ** (step // 50) for step in stairs} == stairs
    assert set(stairs) == {0, 1199} | {k for cut in range(50, 1200, 50) for k in (cut - 1, cut)}


def test_a_falling_rate_stops_the_bouncing(comparison):
    """At rate 1 the loss of the whole training part jumps from epoch to epoch to the end; decayed, it hardly does."""
    jumps = {}
    for member in comparison.members():
        late = member.values("train/loss_eval")[-25:]
        jumps[member.params["scheduler.name"]] = sum(abs(b - a) for a, b in pairwise(late))
    assert jumps["exponential"] < jumps["constant"] / 2 and jumps["staircase"] < jumps["constant"] / 2
