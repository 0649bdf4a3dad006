"""Whether a found rate needs a warm-up, read off the first losses of copies on the same batches."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from lrscope.core.found_rate import FoundRate, NoiseScale, WarmUp
from lrscope.core.run_facts import RunFacts
from lrscope.report.analysis.find_words import further_lines
from lrscope.report.analysis.warm_up import warm_up

RATES = (1e-5, 0.01, 0.1, 1.0)
NOISE = np.random.default_rng(0).normal(0, 0.4, 90)
"""Of the batches: the same for all copies, and far larger than what is looked for."""


def losses(*bumps: tuple[float, int]) -> list[list[float]]:
    """A copy each that lies this far above the loss at the start, 2, for so many updates, and then below it."""
    return [[*(2 + NOISE - 0.1 + (0.1 + bump) * (np.arange(90) < last))] for bump, last in bumps]


def test_a_loss_that_rises_at_first_and_comes_back() -> None:
    """0.5 of 2 is a quarter; after 10 updates it is down, which the mean of three shows two updates later."""
    seen = warm_up(RATES, losses((0, 0), (0, 0), (0.5, 10), (3.0, 90)), found=0.12)
    assert seen is not None
    assert (seen.rate, seen.steady) == (0.1, 0.01)
    assert seen.back in (11, 12, 13) and seen.updates == 2 * seen.back
    assert seen.rise == pytest.approx(0.3, abs=0.05)


def test_a_loss_that_falls_from_the_first_needs_none() -> None:
    seen = warm_up(RATES, losses((0, 0), (0, 0), (0, 0), (3.0, 90)), found=0.1)
    assert seen is not None and (seen.updates, seen.steady) == (0, 0.1)


def test_what_never_came_back_or_diverged_is_no_evidence() -> None:
    assert warm_up(RATES, losses((0, 0), (0, 0), (0.5, 90), (3.0, 90)), found=0.1) is None
    diverged = losses((0, 0), (0, 0), (0.5, 10))
    assert warm_up(RATES, [*diverged[:2], [2.0, math.inf], [2.0]], found=0.1) is None
    assert warm_up(RATES, [[2.0] * 6] * 4, found=0.1) is None


def test_both_are_told_and_kept() -> None:
    found = FoundRate(900, None, warm_up=WarmUp(0.1, 24, 0.25, 12, 0.01, 0.05), noise=NoiseScale(310.2, 216, 32))
    told = "\n".join(further_lines(found, RunFacts(optimizer="SGD")))
    assert "warm up over about 24 updates: at lr=0.1 the loss rose by 25% at first and was back after 12" in told
    assert "up to 0.01 it did not rise" in told and "SGD is stable up to 0.05" in told
    assert "about 310 examples: up to such a batch (now 32) the rate may grow in proportion to it" in told
    assert "as its square root" in "\n".join(further_lines(found, RunFacts(optimizer="Adam")))
    again = FoundRate.from_plain(asdict(found))
    assert again is not None and (again.warm_up, again.noise) == (found.warm_up, found.noise)
    assert FoundRate.from_plain({"planned": 9, "warm_up": {"rate": "x"}, "noise": [1]}) is not None


def test_a_large_batch_is_told_to_be_one() -> None:
    found = FoundRate(900, None, noise=NoiseScale(20.0, 216, 32))
    assert "the batch of 32 is above it: a larger one brings little" in further_lines(found, RunFacts())[0]
