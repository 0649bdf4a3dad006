"""What copies of a run did decides where a forecast would be a guess: by the definitions, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from curves import LN6, by_epoch, run, series

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.signals.run_signals import RunSignals

END, FALL = 0.2, LN6 - 0.2
FLAT = np.append(np.linspace(1.5, END, 10), np.full(10, END))
FALLING = np.linspace(LN6 - 0.08, END, 20)


def tried(curve: np.ndarray, first: float = LN6, **levels: float) -> Trace:
    """A run of 20 epochs, its copies' training losses by the name of the metric."""
    start = {"train/loss_start": series([first])}
    ahead = {f"ahead/{name}": series([level], [30 * len(curve) - 1]) for name, level in levels.items()}
    return run(curve, more=start | ahead)


def primary(curve: np.ndarray, first: float = LN6, **levels: float) -> Finding:
    return diagnose(tried(curve, first, **levels)).primary


@pytest.mark.parametrize(("share", "verdict"), [(0.049, Verdict.TRAINED), (0.051, Verdict.TOO_SLOW)])
@pytest.mark.parametrize("curve", [FLAT, FALLING])
def test_too_slow_is_what_as_many_steps_again_bring_whatever_the_curve_suggests(
    curve: np.ndarray, share: float, verdict: Verdict
) -> None:
    found = primary(curve, again=END - share * FALL, same_lr=END, lower_lr=END)
    assert found.verdict is verdict
    assert f"{END - share * FALL:.4g}" in found.why and "on a copy" in found.why


@pytest.mark.parametrize(("again", "words"), [(math.nan, "up beyond all bounds"), (1.1, "up to 1.1")])
def test_a_copy_that_ran_away_is_no_reason_to_train_longer(again: float, words: str) -> None:
    found = primary(FALLING, again=again, same_lr=END, lower_lr=END)
    assert found.verdict is Verdict.TRAINED and found.certainty == "weak"
    assert words in found.why


def test_what_ten_percent_more_brought_as_many_again_would_bring() -> None:
    """Of longer runs only that is tried, before they are called stalled."""
    end = LN6 + 0.001
    stuck = np.full(20, end)
    more = {"update_ratio": series(np.full(600, 0.01))}
    assert diagnose(run(stuck, more=more)).verdict is Verdict.STALLED
    for same, verdict in ((end, Verdict.STALLED), (end - 0.01, Verdict.TOO_SLOW)):
        trace = tried(stuck, same_lr=same, lower_lr=end)
        assert diagnose(Trace({**trace.series, **more}, trace.facts)).verdict is verdict


def test_a_copy_tells_a_network_that_has_not_started_from_a_collapsed_one() -> None:
    """Its answers hardly depended on the input before training, and do not yet."""
    more = {
        "output_spread_start": series([0.005]), "output_spread": by_epoch([0.004] * 20),
        "train/acc": by_epoch([1 / 6] * 20), "update_ratio": series(np.full(600, 0.01)),
        "train/loss_start": series([LN6 + 0.01]),
    }  # fmt: skip
    flat = np.full(20, LN6)
    assert diagnose(run(flat, more=more)).verdict is Verdict.COLLAPSED
    copies = {name: series([level], [599]) for name, level in (("ahead/again", 0.9), ("ahead/same_lr", LN6))}
    copies["ahead/lower_lr"] = series([LN6], [599])
    assert diagnose(run(flat, more=more | copies)).verdict is Verdict.TOO_SLOW


def test_few_evaluations_do_not_make_an_exact_end() -> None:
    """A run that stopped early was looked at nowhere between its epochs: its bounce is read off those."""
    bouncing = np.append(np.linspace(1.5, 0.4, 6), [0.5, 0.3, 0.5, 0.3])
    assert RunSignals.of(tried(bouncing, same_lr=0.4)).level.bounce > 0.05


@pytest.mark.parametrize(
    ("lower", "same", "verdict"),
    [
        (0.076, 0.0, Verdict.OSCILLATING),  # 1.5 times the definition's 5%, as the bound asks for
        (0.074, 0.0, Verdict.TRAINED),
        (0.2, 0.033, Verdict.OSCILLATING),  # the same rate brings less than 5% / 1.5
        (0.2, 0.034, Verdict.TRAINED),
        (0.2, -5.0, Verdict.OSCILLATING),  # at the same rate it is thrown up again
    ],
)
def test_oscillating_is_what_a_tenth_of_the_rate_ends(lower: float, same: float, verdict: Verdict) -> None:
    found = primary(FLAT, again=END, same_lr=END - same * FALL, lower_lr=END - lower * FALL)
    assert found.verdict is verdict
    if verdict is Verdict.OSCILLATING:
        assert f"to {END - lower * FALL:.4g}" in found.why and "a tenth of the rate" in found.why


def test_a_bounce_that_a_lower_rate_does_not_end_is_no_oscillation() -> None:
    jumping = np.append([1.0, 0.6, 0.4], 0.2 + 0.4 * np.random.default_rng(1).random(37))
    assert diagnose(tried(jumping)).verdict is Verdict.OSCILLATING
    end = RunSignals.of(tried(jumping, same_lr=0.4)).end
    assert primary(jumping, again=end, same_lr=end, lower_lr=end).verdict is Verdict.TRAINED
    assert primary(jumping, again=end, same_lr=end, lower_lr=end - 0.2).verdict is Verdict.OSCILLATING


def test_a_loss_above_its_start_is_diverged_where_it_rises_further_and_stalled_where_it_stays() -> None:
    high = np.full(20, 4 * LN6)
    assert primary(high, again=101 * LN6, same_lr=5 * LN6, lower_lr=4 * LN6).verdict is Verdict.DIVERGED
    assert primary(high, again=4 * LN6, same_lr=4 * LN6, lower_lr=4 * LN6).verdict is Verdict.STALLED


def test_late_evaluations_tell_a_level_that_few_epochs_cannot() -> None:
    """One epoch's end may lie low by chance; those between say where the loss stands."""
    curve = np.array([1.0, 0.6, 0.5])
    around = np.tile([0.7, 0.72, 0.68, 0.7], 7)
    late = {"train/loss_late": series(around, np.linspace(63, 88, len(around)).round().astype(int))}
    levels = {
        "ahead/again": series([0.7], [89]),
        "ahead/same_lr": series([0.7], [89]),
        "ahead/lower_lr": series([0.7], [89]),
    }
    found = diagnose(run(curve, more=late | levels | {"train/loss_start": series([LN6])})).primary
    assert found.verdict is Verdict.TRAINED
    assert "to 0.7" in found.why


def test_alone_a_run_that_came_down_a_little_and_goes_no_further_is_not_called_failed() -> None:
    """Neither more steps nor a lower rate gain anything: so good is what the data allow, as far as one run can tell."""
    end = 0.99 * LN6
    flat = np.append(np.linspace(LN6, end, 5), np.full(15, end))
    known = primary(flat, first=1.02 * LN6, again=end, same_lr=end, lower_lr=end)
    assert known.verdict is Verdict.TRAINED
    assert "hardly better than a constant answer" in known.why and known.certainty == "weak"
    assert diagnose(run(flat, more={"train/loss_start": series([1.02 * LN6])})).verdict is Verdict.STALLED


def test_copies_do_not_bring_a_collapsed_network_back() -> None:
    more = {"output_spread": by_epoch([0.4] + [0.0] * 19), "train/acc": by_epoch([1 / 6] * 20)}
    assert diagnose(run(np.full(20, LN6), more=more)).verdict is Verdict.COLLAPSED
