"""The whole curve of every schedule that ships, against numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shipped_schedules import SHIPPED, curve


def by_epoch(
    name: str, *overrides: str, peak: float = 1.0, epochs: int, metric: list[float] | None = None
) -> list[float]:
    return list(curve(name, *overrides, lr=peak, steps_per_epoch=1, total_steps=epochs, metric=metric))


def test_constant_stays():
    assert by_epoch("constant", peak=0.01, epochs=5) == [0.01] * 5


def test_step_cuts_every_so_many_epochs():
    found = by_epoch("step", "scheduler.step_size=2", epochs=7)
    assert found == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_multistep_is_piecewise_constant():
    found = by_epoch("multistep", "scheduler.milestones=[2,5]", epochs=7)
    np.testing.assert_allclose(found, [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-15)


def test_an_epochs_rate_holds_for_all_its_steps():
    found = curve("step", "scheduler.step_size=1", steps_per_epoch=3, total_steps=8)
    assert list(found) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_exponential_of_a_hundred_thousand_steps():
    slow = ("scheduler.decay_rate=0.96", "scheduler.decay_steps=100000")
    found = curve("exponential", *slow, steps_per_epoch=12, total_steps=24)
    published = {0: 1.0, 1: 0.9999996, 2: 0.9999992, 3: 0.9999988, 23: 0.9999906}
    for step, rate in published.items():
        assert found[step] == pytest.approx(rate, abs=1e-7), step
    assert found[23] == 0.96 ** (23 / 100_000)


def test_exponential_halves_on_time():
    quick = ("scheduler.decay_rate=0.25", "scheduler.decay_steps=4")
    found = curve("exponential", *quick, lr=0.8, steps_per_epoch=1, total_steps=9)
    expected = [0.8 * 0.25 ** (step / 4) for step in range(9)]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert (found[2], found[4], found[8]) == (pytest.approx(0.4), pytest.approx(0.2), pytest.approx(0.05))


def test_staircase_floors_the_exponent():
    stairs = ("scheduler.decay_rate=0.5", "scheduler.decay_steps=3")
    found = curve("staircase", *stairs, steps_per_epoch=1, total_steps=8)
    assert list(found) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


PLATEAU = ("scheduler.factor=0.5", "scheduler.patience=5", "scheduler.min_lr=1e-4")


def test_plateau_on_a_flat_metric():
    """The first epoch sets the best; torch cuts after patience + 1 = 6 flat ones, never below min_lr."""
    found = by_epoch("plateau", *PLATEAU, peak=0.001, epochs=40)
    assert found == [0.001] * 7 + [0.0005] * 6 + [0.00025] * 6 + [0.000125] * 6 + [0.0001] * 15


def test_plateau_waits_while_the_metric_improves():
    improving = [1 / (epoch + 1) for epoch in range(20)]
    assert by_epoch("plateau", *PLATEAU, peak=0.001, epochs=20, metric=improving) == [0.001] * 20


def test_triangular_repeats():
    args = ("scheduler.half_cycle_epochs=2", "scheduler.base_lr=0.2")
    found = curve("cyclic", *args, steps_per_epoch=2, total_steps=17)
    np.testing.assert_allclose(found, [0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4] * 2 + [0.2], rtol=1e-14)


def test_the_bottom_of_a_cycle_is_a_tenth_of_its_top():
    found = curve("cyclic", lr=0.5, steps_per_epoch=2, total_steps=9)
    assert found[0] == pytest.approx(0.05) and found.min() == pytest.approx(0.05)
    assert found[4] == pytest.approx(0.5) and found.max() == pytest.approx(0.5)


def test_triangular2_halves_the_height_each_cycle():
    args = ("scheduler.mode=triangular2", "scheduler.base_lr=0.2", "scheduler.half_cycle_epochs=2")
    found = curve("cyclic", *args, steps_per_epoch=1, total_steps=11)
    np.testing.assert_allclose(found, [0.2, 0.6, 1, 0.6, 0.2, 0.4, 0.6, 0.4, 0.2, 0.3, 0.4], rtol=1e-14)


def test_exp_range_shrinks_each_step():
    args = (
        "scheduler.mode=exp_range",
        "scheduler.base_lr=0",
        "scheduler.gamma=0.5",
        "scheduler.half_cycle_epochs=2",
    )
    found = curve("cyclic", *args, steps_per_epoch=1, total_steps=7)
    np.testing.assert_allclose(found, [0, 0.25, 0.25, 0.0625, 0, 1 / 64, 1 / 64], atol=1e-15)


def test_cosine_is_half_way_down_in_the_middle():
    found = curve("cosine", steps_per_epoch=4, total_steps=8)
    np.testing.assert_allclose(found, [(1 + math.cos(math.pi * t / 8)) / 2 for t in range(8)], rtol=1e-12)
    assert found[4] == pytest.approx(0.5)


def test_warmup_cosine_peaks_after_the_warmup():
    found = curve("warmup_cosine", "scheduler.warmup=0.4", steps_per_epoch=5, total_steps=10)
    down = [(1 + math.cos(math.pi * t / 6)) / 2 for t in range(6)]
    np.testing.assert_allclose(found, [0.2, 0.4, 0.6, 0.8, *down], rtol=1e-14)


def test_warmup_cosine_ends_at_its_floor():
    found = curve("warmup_cosine", "scheduler.warmup=0", "scheduler.floor=0.2", lr=2.0, total_steps=1000)
    assert found[0] == 2.0 and found[-1] == pytest.approx(0.4, abs=1e-4)


def test_one_cycle_starts_at_a_share_of_the_peak_and_reaches_it():
    found = curve("one_cycle", total_steps=100)
    assert found[0] == pytest.approx(1 / 25)
    assert found[29] == found.max() == pytest.approx(1.0)
    assert found[-1] == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize("name", SHIPPED)
def test_no_schedule_leaves_the_range_from_zero_to_its_peak(name):
    found = curve(name, lr=0.03, steps_per_epoch=5, total_steps=300)
    assert found.min() >= 0 and found.max() <= 0.03 * (1 + 1e-12)
