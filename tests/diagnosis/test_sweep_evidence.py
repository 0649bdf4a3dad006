"""Advice beside other members never leads where they came off worse."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, run, series

from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep

EPOCHS = np.arange(1, 41)


def at(lr: float, kind: str, **facts: object) -> Trace:
    """A run at that rate which comes out as that kind."""
    known = classification(peak_lr=lr, settings="the same", **facts)
    if kind == "diverged":
        return run(np.geomspace(2.0, 3.5e12, 40), known)
    if kind == "collapsed":
        more = {"output_spread": by_epoch([0.4] + [0.0] * 39), "train/acc": by_epoch([1 / 6] * 40)}
        return run(np.full(40, LN6), known, more=more)
    speed = {"slow": 200.0, "slower": 2000.0, "good": 4.0, "fair": 4.0}[kind]
    floor = 0.4 if kind == "fair" else 0.1
    return run(floor + (LN6 - floor) * np.exp(-EPOCHS / speed), known)


def advice(*members: tuple[float, str]) -> dict[float, str]:
    found = diagnose_sweep([at(lr, kind) for lr, kind in members])
    return {lr: d.primary.advice for (lr, _), d in zip(members, found, strict=True)}


def goals(text: str) -> list[float]:
    """The rates that an advice leads to."""
    return [float(x) for x in re.findall(r"(?:to(?: about)?|lr=)\s?(\d[\d.e-]*\d|\d)", text)]


@pytest.mark.parametrize("bad", ["diverged", "collapsed"])
@pytest.mark.parametrize("kind", ["slow", "good", "diverged", "collapsed"])
def test_every_member_is_sent_to_the_rate_that_did_best(bad: str, kind: str) -> None:
    told = advice((1.0, bad), (0.1, "good"), (0.01, "slow"), (0.001, kind if kind != "good" else "fair"))
    assert "keep this rate" in told[0.1]
    for lr in (1.0, 0.01, 0.001):
        assert "use lr=0.1" in told[lr], told[lr]


@pytest.mark.parametrize(("mine", "above"), [(0.1, 0.3), (0.1, 1.0), (0.001, 0.003), (3.0, 10.0)])
@pytest.mark.parametrize("bad", ["diverged", "collapsed"])
def test_a_run_that_is_too_slow_is_not_sent_towards_one_that_failed(mine: float, above: float, bad: str) -> None:
    assert "raise lr" in diagnose(at(mine, "slow")).primary.advice
    told = advice((mine, "slow"), (above, bad), (mine / 100, "slower"))[mine]
    assert "raise lr" not in told
    assert "train" in told
    assert f"lr={above:.4g} of this sweep" in told


def test_where_there_is_room_the_advice_stays_well_below_what_failed() -> None:
    told = advice((1e-5, "slower"), (1e-3, "diverged"))[1e-5]
    assert all(goal < 2e-4 for goal in goals(told.partition(":")[0]))


@pytest.mark.parametrize("bad", ["diverged", "collapsed"])
def test_where_lower_rates_failed_too_the_advice_goes_below_all_of_them(bad: str) -> None:
    for lr, text in advice((10.0, bad), (1.0, bad), (0.3, "diverged")).items():
        found = goals(text)
        assert found and min(found) < 0.3, f"{lr}: {text}"
        assert not any(goal in (1.0, 0.3) for goal in found[:1]), f"{lr}: {text}"


def test_where_no_rate_of_a_wide_range_beats_a_constant_answer_it_is_hardly_the_rate() -> None:
    for text in advice((1.0, "collapsed"), (0.03, "collapsed"), (0.001, "collapsed")).values():
        assert "hardly the rate" in text
    for text in advice((1.0, "collapsed"), (0.5, "collapsed")).values():
        assert "lower lr" in text


def test_members_that_differ_in_more_than_their_rate_tell_nothing_of_it() -> None:
    other = at(0.1, "good")
    other = replace(other, facts=replace(other.facts, settings="another network"))
    told = diagnose_sweep([at(0.01, "slow"), other])[0].primary.advice
    assert "use lr=0.1" not in told
    assert "raise lr" in told


def test_one_seed_that_failed_spoils_a_rate() -> None:
    members = [at(0.1, "good"), at(0.1, "collapsed"), at(0.01, "fair"), at(0.01, "fair"), at(0.001, "slow")]
    told = [d.primary.advice for d in diagnose_sweep(members)]
    assert "use lr=0.01" in told[-1]


def test_the_loss_that_is_compared_is_that_of_validation() -> None:
    over, fair = at(0.1, "good"), at(0.01, "fair")
    over = Trace({**over.series, "val/loss": by_epoch(np.linspace(1.5, 1.4, 40))}, over.facts)
    fair = Trace({**fair.series, "val/loss": by_epoch(np.linspace(1.5, 0.5, 40))}, fair.facts)
    told: list[Diagnosis] = diagnose_sweep([over, fair])
    assert "use lr=0.01" in told[0].primary.advice
    assert "keep this rate" in told[1].primary.advice


def test_nobody_is_told_both_that_nothing_was_learned_and_to_keep_the_rate() -> None:
    flat = run(np.append(np.linspace(3.0, LN6, 20), np.full(20, LN6)), classification(), first=4.0)
    for found in (diagnose(flat).findings, diagnose_sweep([flat, at(0.1, "slower")])[0].findings):
        assert all(f.verdict is not Verdict.TRAINED for f in found)
        assert not any("keep this rate" in f.advice for f in found)


@pytest.mark.parametrize("limit", [0.011, 0.05])
def test_no_rate_is_raised_above_the_measured_limit(limit: float) -> None:
    slow = at(0.01, "slower")
    limited = {**slow.series, "stability_limit": series([limit], [0])}
    adam = diagnose(Trace(limited, slow.facts)).primary
    assert adam.rate == diagnose(slow).primary.rate, "of Adam's steps the limit says little"
    slow = Trace(limited, replace(slow.facts, optimizer="SGD"))
    told = diagnose(slow).primary
    assert told.verdict is Verdict.TOO_SLOW
    assert told.rate is None or told.rate < limit
    assert f"{limit:.2g}" in told.advice


def test_a_rate_is_lowered_below_the_measured_limit() -> None:
    wild = at(1.0, "diverged")
    wild = Trace({**wild.series, "stability_limit": series([0.0001], [0])}, replace(wild.facts, optimizer="SGD"))
    told = diagnose(wild).primary
    assert told.rate is not None and told.rate <= 0.0001


def test_a_loss_that_came_back_up_is_no_reason_for_a_higher_rate() -> None:
    up = np.concatenate([np.linspace(2.0, 0.4, 10), np.linspace(0.5, 1.2, 20), np.linspace(1.2, 0.9, 10)])
    found = diagnose(run(up, classification(peak_lr=0.1, settings="x"), first=2.3))
    assert not any("raise lr" in f.advice for f in found.findings)


def test_a_slow_run_that_came_back_up_is_sent_to_the_member_that_is_at_its_end() -> None:
    """Its own advice names no rate; the sweep does."""
    up = np.concatenate([np.linspace(2.0, 0.8, 10), np.linspace(0.9, 1.6, 20), np.linspace(1.6, 1.2, 10)])
    slow, good = run(up, classification(peak_lr=0.1, settings="the same"), first=2.3), at(0.01, "good")
    told = diagnose_sweep([slow, good])[0].primary
    assert told.verdict is Verdict.TOO_SLOW
    assert told.advice.startswith("use lr=0.01, which did best in this sweep")
    assert told.changes == {"lr": 0.01}


def test_the_rates_of_every_parameter_group_count() -> None:
    trace = at(0.01, "diverged")
    two = Trace({**trace.series, "lr/head": series([5.0, 5.0], [0, 1199])}, replace(trace.facts, settings=None))
    found = diagnose(two).primary
    assert found.rate is not None and math.isclose(found.rate, 5.0 / round(5.0 / found.rate), rel_tol=0.01)


def beside(rate: float, train: np.ndarray, val: float) -> Trace:
    return run(train, classification(peak_lr=rate, settings="x"), more={"val/loss": by_epoch(np.full(40, val))})


def test_nobody_is_sent_to_a_rate_with_a_higher_validation_loss() -> None:
    """One learned nothing yet, the other fits its training part and is far worse on other examples."""
    slow, worse = beside(0.001, np.linspace(LN6, LN6 - 0.001, 40), 2.1), beside(0.5, np.geomspace(1.5, 0.1, 40), 12.75)
    assert "use lr" not in diagnose_sweep([slow, worse])[0].primary.advice


def test_a_rate_that_is_as_good_within_one_percent_is_not_denied() -> None:
    first, second = (
        beside(rate, 0.1 + 1.6 * np.exp(-np.arange(1, 41) / 4), val) for rate, val in ((0.1, 0.3), (0.01, 0.3015))
    )
    told = diagnose_sweep([first, second])
    assert "did better by val/loss" in told[0].primary.advice
    assert "did better by more than 1% of val/loss" in told[1].primary.advice
