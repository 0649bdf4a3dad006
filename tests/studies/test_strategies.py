"""Study 3 in short: every strategy runs to its own formula, and a plateau really cuts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from command import Command, Member, train

EPOCHS, STEPS_PER_EPOCH = 6, 12
FLOOR, PEAK = 1e-4, 1e-3


@pytest.fixture(scope="module")
def strategies(tmp_path_factory) -> Command:
    """All seven with one seed, six epochs of twelve updates: one and a half cycles."""
    folder = tmp_path_factory.mktemp("strategies")
    return train(folder, "experiment=strategies", "seed=0", f"epochs={EPOCHS}", "batch_size=128")


def tent(step: int) -> float:
    """Height of a cycle of 2 + 2 epochs at that step: 0 at its ends, 1 half way."""
    half = 2 * STEPS_PER_EPOCH
    return 1 - abs(step % (2 * half) - half) / half


def cycle(step: int) -> int:
    return step // (4 * STEPS_PER_EPOCH)


FORMULAS: dict[tuple[str, str], Callable[[int], float]] = {
    ("constant", ""): lambda _: PEAK,
    ("plateau", ""): lambda _: PEAK,
    ("piecewise", ""): lambda _: PEAK,
    ("exponential", ""): lambda t: PEAK * 0.96 ** (t / 100),
    ("cyclic", "triangular"): lambda t: FLOOR + (PEAK - FLOOR) * tent(t),
    ("cyclic", "triangular2"): lambda t: FLOOR + (PEAK - FLOOR) * tent(t) / 2 ** cycle(t),
    ("cyclic", "exp_range"): lambda t: FLOOR + (PEAK - FLOOR) * tent(t) * 0.999**t,
}


def kind(member: Member) -> tuple[str, str]:
    is_cycle = member.params["scheduler.name"] == "cyclic"
    return member.params["scheduler.name"], member.params["scheduler.mode"] if is_cycle else ""


def test_all_seven_ran(strategies):
    assert strategies.code == 0, strategies.output
    assert sorted(map(kind, strategies.members())) == sorted(FORMULAS)


def test_each_rate_is_that_of_its_formula(strategies):
    last = EPOCHS * STEPS_PER_EPOCH - 1
    for member in strategies.members():
        rates = member.curve("lr")
        assert min(rates) == 0 and max(rates) == last
        for step, rate in rates.items():
            assert rate == pytest.approx(FORMULAS[kind(member)](step), rel=1e-12), (kind(member), step)


def test_they_are_comparable(strategies):
    """Same seed, same first batch, same weights: the first loss is one number; each epoch is validated."""
    assert len({member.curve("train/loss")[0] for member in strategies.members()}) == 1
    for member in strategies.members():
        assert len(member.curve("val/loss")) == len(member.curve("val/acc")) == EPOCHS


def test_a_plateau_cuts_four_times_and_no_lower(tmp_path):
    """A real run whose metric never counts as better (its threshold says so); an epoch is one update."""
    command = train(
        tmp_path,
        *("dataset=blobs", "model=linear", "batch_size=null", "epochs=40", "lr=0.001"),
        *("scheduler=strategies/plateau", "+scheduler.threshold=0.9999"),
    )
    assert command.code == 0, command.output
    expected = [0.001] * 7 + [0.0005] * 6 + [0.00025] * 6 + [0.000125] * 6 + [0.0001] * 15
    recorded = command.member().curve("lr")
    assert recorded == {step: expected[step] for step in recorded}
    assert {7, 13, 19, 25} <= set(recorded) and math.isclose(recorded[39], 1e-4)
