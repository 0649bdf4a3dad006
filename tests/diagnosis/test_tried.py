"""Advice from trials names what was seen to train, and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, run

from lrscope.core.trace import Trace
from lrscope.core.trials import CLIPPING, DECAY, FRESH, LONGER, RATE, RESET, Trial, Trials
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep
from lrscope.diagnosis.untried import untried

EPOCHS = np.arange(1, 41)


def at(lr: float, kind: str, trials: Trials | None = None, **facts: object) -> Trace:
    known = classification(peak_lr=lr, **{"settings": "the same", "trials": trials, **facts})
    if kind == "diverged":
        return run(np.geomspace(2.0, 3.5e12, 40), known)
    if kind == "collapsed":
        more = {"output_spread": by_epoch([0.4] + [0.0] * 39), "train/acc": by_epoch([1 / 6] * 40)}
        return run(np.full(40, LN6), known, more=more)
    speed = {"slow": 200.0, "good": 4.0}[kind]
    return run(0.1 + (LN6 - 0.1) * np.exp(-EPOCHS / speed), known)


def rate(lr: float, loss: float, settled: bool = False) -> Trial:
    works = math.isfinite(loss) and loss < LN6
    return Trial(RATE, {"lr": lr}, "trained" if works else "diverged", loss, 200, works, settled)


def found(*tried: Trial) -> Trials:
    return Trials(LN6, 1200, tried)


def advised(lr: float, kind: str, *tried: Trial, **facts: object) -> Finding:
    return diagnose(at(lr, kind, found(*tried), **facts)).primary


def test_it_says_what_was_seen_and_names_the_rate_that_came_furthest_down() -> None:
    finding = advised(0.5, "diverged", rate(0.1, math.inf), rate(0.03, 0.12), rate(0.01, 0.31), rate(0.001, 1.5))
    assert finding.advice == (
        "start with lr=0.03: tried for 200 updates from the same start: 0.03, 0.01 and 0.001 fall (to 0.12, 0.31 and "
        "1.5), 0.1 does not"
    )
    assert finding.changes == {"lr": 0.03} and finding.rate == 0.03 and not finding.not_the_rate


def other(what: str, changes: dict[str, object], loss: float) -> Trial:
    return Trial(what, changes, "trained", loss, 200, True)


def test_what_else_trains_is_the_cause_where_no_rate_does_or_far_better() -> None:
    decay = other(DECAY, {"optimizer.weight_decay": 0.0}, 0.05)
    fresh = other(FRESH, {RESET: "default"}, 0.06)
    finding = advised(0.5, "collapsed", rate(0.1, LN6), decay, fresh)
    assert finding.changes == {"optimizer.weight_decay": 0.0} and finding.not_the_rate and finding.rate is None
    assert "it is the weight decay: without weight decay it trains at lr=0.5" in finding.why
    assert finding.advice.startswith("optimizer.weight_decay=0: tried for 200 updates")
    assert "no other rate helped" in finding.advice
    assert advised(0.5, "collapsed", rate(0.1, 1.5), decay).changes == {"optimizer.weight_decay": 0.0}
    assert advised(0.5, "collapsed", rate(0.1, 0.06), decay).changes == {"lr": 0.1}


def test_a_limit_that_helps_is_told_as_what_it_is() -> None:
    clipped = other(CLIPPING, {"trainer.gradient_clip_val": 1.0, "lr": 0.05}, 0.1)
    finding = advised(0.5, "diverged", clipped)
    assert "with the gradient clipped at 1 it trains at lr=0.05" in finding.why
    assert finding.advice.startswith("trainer.gradient_clip_val=1, with lr=0.05: tried")


def test_where_nothing_helps_it_says_so_and_shows_what_was_tried() -> None:
    stays = Trial(DECAY, {"optimizer.weight_decay": 0.0}, "collapsed", LN6, 150, False)
    finding = advised(0.5, "collapsed", rate(0.1, LN6), rate(0.001, LN6), stays)
    assert finding.changes == {} and finding.rate is None and finding.not_the_rate
    assert "nothing that was tried for up to 200 updates from the same start makes it train" in finding.advice
    assert "lr from 0.001 to 0.1" in finding.advice and "without weight decay" in finding.advice


@pytest.mark.parametrize("kind", ["diverged", "collapsed"])
def test_other_causes_keep_their_word(kind: str) -> None:
    finding = advised(0.5, kind, rate(0.1, LN6), batch_size=1, batch_norm=True, dropout=0.9)
    plain = diagnose(at(0.5, kind, batch_size=1, batch_norm=True, dropout=0.9)).primary
    assert set(plain.causes) <= set(finding.causes)
    assert not plain.not_the_rate or plain.advice in finding.advice


def test_a_slow_run_is_sent_to_a_rate_at_which_its_updates_are_enough() -> None:
    finding = advised(0.001, "slow", rate(0.01, 0.2), rate(0.1, 0.11, settled=True), rate(1.0, math.inf))
    assert finding.verdict is Verdict.TOO_SLOW and finding.changes == {"lr": 0.1}
    assert "as many updates again brought next to nothing more" in finding.advice


def test_a_slow_run_trains_longer_where_no_rate_is_enough() -> None:
    longer = Trial(LONGER, {"lr": 0.01, "epochs": 120}, "trained", 0.15, 3600, True, True)
    finding = advised(0.001, "slow", rate(0.01, 0.4), rate(0.1, math.inf), longer)
    assert finding.changes == {"lr": 0.01, "epochs": 120}
    assert finding.advice.startswith("lr=0.01 and epochs=120: tried for 3,600 updates")
    same = replace(longer, changes={"lr": 0.001, "epochs": 120})
    assert advised(0.001, "slow", same).changes == {"epochs": 120}


def test_a_rate_that_is_at_its_end_far_above_another_is_not_advised() -> None:
    finding = advised(0.001, "slow", rate(0.01, 0.2), rate(0.1, 1.0, settled=True))
    assert finding.changes == {"lr": 0.01, "epochs": 67}  # ten times the 200 updates that were tried, 30 an epoch
    assert "train longer, too, as a guess epochs=67" in finding.advice


def test_a_rate_at_which_it_still_fell_is_told_with_a_length() -> None:
    forecast = replace(rate(0.01, 0.2), times=10.0)
    told = advised(0.001, "slow", forecast)
    assert told.changes == {"lr": 0.01, "epochs": 100}  # 1.5 · 10 · 200 updates of 30 an epoch
    assert "by a forecast epochs=100" in told.advice
    begun = Trial(LONGER, {"lr": 0.01, "epochs": 400}, "too slow", 0.18, 900, True)
    longer = advised(0.001, "slow", forecast, begun)
    assert longer.changes == {"lr": 0.01, "epochs": 400}  # ten times 900 updates would be 300
    assert longer.advice.startswith(
        "start with lr=0.01: tried for 900 updates from the same start the loss fell to 0.18"
    )
    same = replace(begun, changes={"lr": 0.001, "epochs": 400})
    assert advised(0.001, "slow", same).changes == {"epochs": 400}
    enough = replace(rate(0.01, 0.2), times=4.0)
    assert advised(0.001, "slow", enough).changes == {"lr": 0.01}  # 1.5 · 4 · 200 are the 1,200 updates of the run


def test_of_rates_that_do_equally_well_the_lower_one_is_safer() -> None:
    assert advised(1.0, "diverged", rate(0.3, 0.10), rate(0.1, 0.11), rate(0.01, 0.9)).changes == {"lr": 0.1}


def test_what_is_said_of_a_rate_that_does_not_train_is_true() -> None:
    still = Trial(RATE, {"lr": 1e-6}, "too slow", LN6 - 0.01, 200, False)
    assert "1e-06 hardly moves it" in advised(1.0, "diverged", rate(0.1, 0.2), still).advice


def test_a_member_that_works_goes_before_trials_and_is_named_with_its_change() -> None:
    tried = found(rate(0.3, 0.5))
    first, best = diagnose_sweep([at(1.0, "diverged", tried), at(0.1, "good")])
    assert first.primary.changes == {"lr": 0.1} and "use lr=0.1" in first.primary.advice
    assert "keep this rate" in best.primary.advice


def test_trials_go_before_a_member_that_was_itself_too_slow() -> None:
    tried = found(rate(0.3, 0.5, settled=True))
    first, second = diagnose_sweep([at(1.0, "diverged", tried), at(0.001, "slow", tried)])
    assert first.primary.changes == second.primary.changes == {"lr": 0.3}


def test_a_member_of_other_settings_that_works_is_named() -> None:
    held = at(0.1, "collapsed", settings="decay", weight_decay=3.0)
    free = at(0.1, "good", settings="none", weight_decay=0.0)
    told, _ = diagnose_sweep([held, free])
    assert told.primary.advice.startswith("lr=0.1 optimizer.weight_decay=0.0 of this sweep works")


def test_it_is_tried_once_for_a_sweep_in_which_nothing_works() -> None:
    wanted = untried([at(1.0, "diverged"), at(0.1, "diverged"), at(0.1, "collapsed", settings="other")])
    assert wanted is not None and wanted.number == 1 and wanted.members == (0, 1)
    assert (wanted.rate, wanted.known, wanted.below) == (0.1, (1.0,), 1.0)
    assert untried([at(1.0, "diverged"), at(0.1, "good")]) is None
    slow = untried([at(1.0, "diverged"), at(0.001, "slow")])
    assert slow is not None and slow.number == 1 and slow.verdict is Verdict.TOO_SLOW and slow.below == 1.0
    assert untried([at(1.0, "diverged", found(rate(0.1, 0.5)))]) is None  # it was tried before


def test_a_lone_run_is_tried_for_where_it_failed_or_was_too_slow() -> None:
    assert untried([at(1.0, "good")]) is None
    for kind in ("diverged", "collapsed", "slow"):
        assert untried([at(1.0, kind)]) is not None
    assert untried([at(1.0, "diverged", broken_examples=3)]) is None  # the data is the matter


def test_a_cause_that_was_tried_at_another_members_rate_is_told_with_that_rate() -> None:
    fresh = other(FRESH, {RESET: "default", "lr": 0.05}, 0.02)
    finding = advised(6.0, "collapsed", rate(0.6, math.inf), fresh)
    assert finding.changes == {RESET: "default", "lr": 0.05} and ", with lr=0.05: tried" in finding.advice
    own = advised(0.05, "collapsed", rate(0.6, math.inf), fresh)
    assert own.changes == {RESET: "default"} and "lr=0.05" not in own.advice


@pytest.mark.parametrize("first", [0.4, math.nan, math.inf])
def test_a_cause_whose_copies_began_elsewhere_is_followed_as_well(first: float) -> None:
    fresh = other(FRESH, {RESET: "default"}, 0.9)
    finding = diagnose(at(6.0, "collapsed", Trials(first, 1200, (rate(0.6, math.inf), fresh)))).primary
    assert finding.changes == {RESET: "default"} and "the loss fell to 0.9" in finding.advice
