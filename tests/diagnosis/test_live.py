"""What is certain while a run still trains."""

from __future__ import annotations

import math

import numpy as np
import pytest
from curves import LN6, by_epoch, run

from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import is_diverged, live_finding
from lrscope.report.analysis.wilson import wilson_interval


@pytest.mark.parametrize(
    ("loss", "first", "diverged"),
    [(math.nan, 2.3, True), (math.inf, 2.3, True), (3.5e12, 2.3, True), (230.0, 2.3, False), (0.5, 0.0, False)],
)
def test_one_loss_settles_it_only_when_it_is_hopeless(loss: float, first: float, diverged: bool) -> None:
    assert is_diverged(loss, first) is diverged


def test_nothing_is_certain_of_a_healthy_run_or_at_the_start() -> None:
    assert live_finding(Trace({})) is None
    assert live_finding(run(LN6 * np.exp(-np.arange(1, 11) / 5))) is None
    early = run(np.full(2, LN6), more={"output_spread": by_epoch([0.0, 0.0])})
    assert live_finding(early) is None


def test_collapse_is_certain_after_three_epochs_of_the_same_answers() -> None:
    more = {"output_spread": by_epoch([0.3, 0.0, 0.0, 0.0]), "train/acc": by_epoch([0.2, 1 / 6, 1 / 6, 1 / 6])}
    found = live_finding(run(np.full(4, LN6), more=more))
    assert found is not None
    assert found.verdict is Verdict.COLLAPSED


def test_growth_without_bound_is_certain() -> None:
    found = live_finding(run(np.geomspace(2, 1e6, 8)))
    assert found is not None
    assert found.verdict is Verdict.DIVERGED


def test_the_interval_of_a_share() -> None:
    assert wilson_interval(1, 5) == pytest.approx((0.0362, 0.6245), abs=1e-4)
    assert wilson_interval(0, 5) == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert wilson_interval(5, 5) == pytest.approx((0.5655, 1.0), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)
