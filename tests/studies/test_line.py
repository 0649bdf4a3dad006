"""Study 1, as it stands: three rates, 1,000 epochs, to the numbers of a pocket calculator."""

from __future__ import annotations

from itertools import pairwise

import pytest
from command import Command, train


@pytest.fixture(scope="module")
def line(tmp_path_factory) -> Command:
    return train(tmp_path_factory.mktemp("line"), "experiment=line")


def expected(lr: float, epochs: int) -> list[tuple[float, float, float, float]]:
    """w, b, dL/dw and dL/db of each epoch, by hand: L = mean((wx + b - 3x)^2) over x = 1, 2, 3, 4."""
    w = b = 0.0
    rows = []
    for _ in range(epochs):
        dw = sum(2 * x * (w * x + b - 3 * x) for x in (1, 2, 3, 4)) / 4
        db = sum(2 * (w * x + b - 3 * x) for x in (1, 2, 3, 4)) / 4
        w, b = w - lr * dw, b - lr * db
        rows.append((w, b, dw, db))
    return rows


def test_three_members_ran(line):
    assert line.code == 0, line.output
    assert sorted(member.params["lr"] for member in line.members()) == ["0.01", "0.1", "1.0"]


@pytest.mark.parametrize(
    ("lr", "weights"),
    [
        ("0.01", [0.45, 0.825, 1.1375, 1.398]),
        ("0.1", [4.5, 1.5, 3.525, 2.1825]),
        ("1.0", [45, -660, 10410]),
    ],
)
def test_the_first_weights(line, lr, weights):
    assert line.member(lr=lr).values("weight")[: len(weights)] == pytest.approx(weights, rel=1e-4)


@pytest.mark.parametrize(("lr", "epochs"), [("0.01", 1000), ("0.1", 1000), ("1.0", 3)])
def test_every_epoch_is_gradient_descent(line, lr, epochs):
    member = line.member(lr=lr)
    rows = expected(float(lr), epochs)
    for column, key in enumerate(("weight", "bias", "grad/weight", "grad/bias")):
        recorded = member.values(key)
        assert len(recorded) == epochs, key
        assert recorded == pytest.approx([row[column] for row in rows], rel=1e-4, abs=2e-5), key


def test_the_loss_before_an_update_is_the_loss_after_the_one_before(line):
    for member in line.members():
        before, after = member.values("loss/before"), member.values("loss/after")
        assert before[0] == 67.5
        assert before[1:] == pytest.approx(after[:-1], rel=1e-5)


def test_slow_fast_and_away(line):
    slow, fast, away = (line.member(lr=lr) for lr in ("0.01", "0.1", "1.0"))
    weights = slow.values("weight")
    assert all(later >= earlier for earlier, later in pairwise(weights))
    assert weights[-1] == pytest.approx(3, abs=0.02)
    settled = [next(k for k, w in enumerate(m.values("weight")) if abs(w - 3) < 0.05) for m in (slow, fast)]
    assert settled == [609, 60]
    assert fast.values("weight")[-1] == pytest.approx(3, abs=1e-5)
    assert (slow.verdict, fast.verdict, away.verdict) == ("trained", "trained", "diverged")
    assert (slow.status, fast.status, away.status) == ("FINISHED", "FINISHED", "FAILED")


def test_the_limit_of_the_rate_is_measured_before_training(line):
    for member in line.members():
        assert member.curve("sharpness")[0] == pytest.approx(16.7006, abs=5e-5)
        assert member.curve("stability_limit")[0] == pytest.approx(0.11976, abs=5e-6)
    assert "0.1198" in line.output and "lr=1" in line.output


def test_a_line_has_no_validation(line):
    for member in line.members():
        assert not any(key.startswith("val/") for key in member.run.data.metrics)
