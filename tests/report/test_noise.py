from __future__ import annotations

import math

import numpy as np
import pytest
from made_sweeps import START, member, sweep

from lrscope.report.analysis.comparison import Cell, compare
from lrscope.report.analysis.noise import roughness, tolerance


def cells(losses: list[float], ratio: float = 1.3) -> tuple[Cell, ...]:
    members = [member(0.001 * ratio**i, [value]) for i, value in enumerate(losses)]
    return compare((sweep(members),)).groups[0].cells


def test_roughness_recovers_the_noise_between_close_rates() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, 400)
    found = cells([0.5 + value for value in noise], ratio=1.01)
    rough = roughness(found, min(found, key=lambda cell: cell.best.mean if cell.best else math.inf), START)
    assert rough == pytest.approx(0.03, rel=0.1)


def test_a_straight_line_has_no_roughness() -> None:
    found = cells([0.30 + 0.01 * i for i in range(10)])
    assert roughness(found, found[0], START) == pytest.approx(0, abs=1e-12)


def test_few_or_distant_rates_say_nothing_of_noise() -> None:
    few = cells([0.3, 0.31, 0.32, 0.31])
    assert roughness(few, few[0], START) is None
    distant = cells([0.3, 0.4, 0.3, 0.4, 0.3, 0.4, 0.3], ratio=10)
    assert roughness(distant, distant[0], START) is None


def test_the_largest_of_the_three_counts_and_is_named() -> None:
    found = cells([0.30, 0.34, 0.30, 0.34, 0.30, 0.34, 0.30])
    room, words = tolerance(found, found[0], START)
    assert room > 0.003
    assert words.startswith("the noise between neighbouring rates (")


def test_near_a_loss_of_zero_a_thousandth_of_the_gain_counts() -> None:
    found = cells([0.0, 0.0015, 0.01], ratio=10)
    assert tolerance(found, found[0], START) == (pytest.approx(0.002), "a thousandth of what training gained")
