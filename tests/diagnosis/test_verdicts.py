"""One made-up run for every verdict, and its near neighbour that is another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, run, series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep, note
from lrscope.diagnosis.detectors.divergence import Diverged
from lrscope.diagnosis.signals.run_signals import RunSignals

EPOCHS = np.arange(1, 41)
SETTLED = 0.1 + (LN6 - 0.1) * np.exp(-EPOCHS / 4)


def rng() -> np.random.Generator:
    """The same numbers for every test, whichever ran before it."""
    return np.random.default_rng(1)


def test_a_loss_that_is_not_a_number_is_divergence_from_that_step_on() -> None:
    trace = run(SETTLED)
    losses = trace.get("train/loss").values.copy()
    losses[700:] = math.nan
    broken = Trace({**trace.series, "train/loss": series(losses)}, trace.facts)
    found = diagnose(broken).primary
    assert found.verdict is Verdict.DIVERGED
    assert "since step 700" in found.why


def test_infinity_as_mlflow_returns_it_is_divergence() -> None:
    trace = run(SETTLED, more={"train/loss_epoch": by_epoch([1.0] * 39 + [1.7976931348623157e308])})
    assert diagnose(trace).verdict is Verdict.DIVERGED


def test_finite_explosive_growth_is_divergence() -> None:
    grown = np.geomspace(2.0, 3.5e12, 40)
    found = diagnose(run(grown)).primary
    assert found.verdict is Verdict.DIVERGED
    assert "3.5e+12" in found.why


def test_the_bound_of_growth_is_a_field_of_its_detector() -> None:
    high = run(np.full(40, 60.0), facts=RunFacts(peak_lr=1.0, steps_per_epoch=30), first=1.0)
    assert diagnose(high).verdict is not Verdict.DIVERGED
    assert Diverged(growth=50).find(RunSignals.of(high)) is not None


def collapsed_run(spread: float = 0.0) -> Trace:
    fixed = LN6 + 0.002 * rng().random(40)
    more = {
        "output_spread": by_epoch([0.4, 0.02] + [spread] * 38),
        "train/acc": by_epoch([0.3, 0.2] + [1 / 6] * 38),
        "dead_units": series(np.append(np.linspace(0, 1, 35), [1.0] * 1165)),
        "dead_units/1": series(np.full(1200, 0.4)),
        "dead_units/2": series(np.append(np.linspace(0, 0.9, 34), [1.0] * 1166)),
        "update_ratio": series(np.append([31.0], np.full(1199, 0.01))),
    }
    return run(fixed, more=more)


def test_a_collapsed_network_is_told_with_all_its_numbers() -> None:
    found = diagnose(collapsed_run()).primary
    assert found.verdict is Verdict.COLLAPSED
    assert "= ln 6" in found.why
    assert "accuracy 0.1667 = the share of the largest class" in found.why
    assert "100% of the units of layer 2 dead since step 34" in found.why
    assert "the first update was 31× the weights" in found.why
    assert found.certainty == "strong"


def test_a_network_that_has_not_started_to_learn_is_too_slow() -> None:
    barely = LN6 + 0.05 - 2e-5 * EPOCHS
    more = {
        "output_spread": by_epoch(np.full(40, 0.3)),
        "train/acc": by_epoch(np.full(40, 0.17)),
        "update_ratio": series(np.full(1200, 1e-6)),
    }
    assert diagnose(run(barely, first=LN6 + 0.05, more=more)).verdict is Verdict.TOO_SLOW


def test_a_deep_network_with_a_small_spread_from_the_start_that_still_falls_is_not_collapsed() -> None:
    falling = LN6 + 0.3 - 0.005 * EPOCHS
    more = {"output_spread": by_epoch(np.full(40, 0.005)), "train/acc": by_epoch(np.full(40, 1 / 6))}
    assert diagnose(run(falling, first=LN6 + 0.3, more=more)).verdict is Verdict.TOO_SLOW


def test_collapse_is_seen_without_a_recorded_spread_but_weakly() -> None:
    fixed = LN6 + 0.01 * rng().random(40)
    found = diagnose(run(fixed, more={"train/acc": by_epoch(np.full(40, 1 / 6))})).primary
    assert found.verdict is Verdict.COLLAPSED
    assert found.certainty == "weak"


def test_constant_answers_of_a_regression_are_collapse() -> None:
    facts = RunFacts(peak_lr=1.0, scheduler="constant", steps_per_epoch=30, task="regression")
    fixed = np.full(40, 1.0)
    trace = run(fixed, facts, first=1.2, more={"output_spread": by_epoch([0.5] + [0.0] * 39)})
    assert diagnose(trace).verdict is Verdict.COLLAPSED


def overlong(rate: float = 0.96, decay_steps: float = 100_000, steps: int = 1200, moved: bool = True) -> Trace:
    arguments = {"decay_rate": rate, "decay_steps": decay_steps, "staircase": False}
    facts = classification(peak_lr=1.0, scheduler="exponential", scheduler_arguments=arguments)
    rates = rate ** (np.arange(steps) / decay_steps) if moved else np.ones(steps)
    return run(SETTLED, facts, more={"lr": series(rates)})


def test_an_overlong_decay_never_moved_and_is_told_which_decay_steps() -> None:
    found = diagnose(overlong()).primary
    assert found.verdict is Verdict.SCHEDULE_NEVER_MOVED
    # 0.96^(1200/d) = 0.1 at d = 1200 · ln 0.96 / ln 0.1 = 21.3
    assert "decay_steps=21" in found.advice
    assert "83× the run" in found.why


def test_an_unadvanced_step_counter_is_named() -> None:
    found = diagnose(overlong(decay_steps=100, moved=False)).primary
    assert found.verdict is Verdict.SCHEDULE_NEVER_MOVED
    assert "never advanced" in found.why
    assert "step()" in found.advice


def test_a_schedule_that_moves_by_more_than_a_hundredth_moved() -> None:
    # 0.96^(1200/d) = 0.98 at d = 2,425
    assert diagnose(overlong(decay_steps=2425)).verdict is Verdict.TRAINED


def test_a_constant_rate_is_no_schedule_that_never_moved() -> None:
    assert diagnose(run(SETTLED)).verdict is Verdict.TRAINED


def test_a_cycle_that_never_turned() -> None:
    facts = classification(scheduler="cyclic", scheduler_arguments={"half_cycle_epochs": 100})
    climb = series(np.linspace(0.001, 0.005, 1200))
    found = diagnose(run(SETTLED, facts, more={"lr": climb})).primary
    assert found.verdict is Verdict.SCHEDULE_NEVER_MOVED
    assert "never turned" in found.why
    assert "half_cycle_epochs=10" in found.advice
    turn = series(np.concatenate([np.linspace(0.001, 0.01, 600), np.linspace(0.01, 0.001, 600)]))
    assert diagnose(run(SETTLED, facts, more={"lr": turn})).verdict is Verdict.TRAINED


def test_a_schedule_that_ran_out() -> None:
    found = diagnose(overlong(decay_steps=2)).primary
    # 0.96^(t/2) < 0.01 from t = 226 on
    assert found.verdict is Verdict.SCHEDULE_RAN_OUT
    assert "81% of the 1,200 steps" in found.why
    assert "decay_steps=14" in found.advice  # 1200 · ln 0.96 / ln 0.03


def test_a_loss_that_jumps_and_does_not_shrink_oscillates() -> None:
    jumping = SETTLED + 0.4 * rng().random(40) * (EPOCHS > 5)
    found = diagnose(run(jumping, more={"update_cosine": series(np.full(1200, -0.8))})).primary
    assert found.verdict is Verdict.OSCILLATING
    assert "cosine -0.80" in found.why
    assert "to 0.001" in found.advice


def test_jumps_that_shrink_are_trained() -> None:
    shrinking = SETTLED + 2.0 * rng().random(40) * np.exp(-EPOCHS / 5)
    assert diagnose(run(shrinking)).verdict is Verdict.TRAINED


def test_jumps_before_the_rate_came_down_are_over() -> None:
    facts = classification(scheduler="step")
    rates = np.where(np.arange(1200) < 900, 0.01, 0.0001)
    jumping = np.where(EPOCHS <= 30, 0.4 + 0.5 * rng().random(40), 0.2)
    assert diagnose(run(jumping, facts, more={"lr": series(rates)})).verdict is Verdict.TRAINED


def test_overfitting_says_where_to_stop() -> None:
    val = 0.3 + (LN6 - 0.3) * np.exp(-EPOCHS / 4) + 0.01 * np.maximum(0, EPOCHS - 15)
    found = diagnose(run(SETTLED, more={"val/loss": by_epoch(val)})).primary
    assert found.verdict is Verdict.OVERFITTING
    assert "(means of 4 evaluations)" in found.why
    lowest = 30 * (int(val.argmin()) + 1) - 1
    assert f"the lowest val loss (step {lowest}, epoch {int(val.argmin()) + 1})" in found.advice


def test_a_small_rise_of_the_validation_loss_is_none() -> None:
    val = 0.3 + (LN6 - 0.3) * np.exp(-EPOCHS / 4) + 0.001 * np.maximum(0, EPOCHS - 15)
    assert diagnose(run(SETTLED, more={"val/loss": by_epoch(val)})).verdict is Verdict.TRAINED


def test_stalled_beside_others_and_trained_alone() -> None:
    half = 1.3 + (LN6 - 1.3) * np.exp(-EPOCHS / 2)
    stuck, good = run(half), run(SETTLED)
    assert diagnose(stuck).verdict is Verdict.TRAINED
    assert diagnose(stuck, others=[good]).verdict is Verdict.STALLED
    assert [d.verdict for d in diagnose_sweep([stuck, good])] == [Verdict.STALLED, Verdict.TRAINED]
    assert "another member" in diagnose(stuck, others=[good]).primary.why


def test_a_run_behind_the_others_whose_level_is_unsure_is_too_slow() -> None:
    found = diagnose(run([1.6, 1.6], noise=0), others=[run(SETTLED)]).primary
    assert (found.verdict, found.certainty) == (Verdict.TOO_SLOW, "weak")


def test_chance_beside_others_is_stalled_however_little_it_bounces() -> None:
    flat = LN6 - 0.004 + 0.003 * np.random.default_rng(2).standard_normal(40)
    more = {"output_spread": by_epoch(np.full(40, 0.4)), "update_ratio": series(np.full(1200, 0.01)),
            "train/loss_start": series([LN6])}  # fmt: skip
    assert diagnose(run(flat, more=more), others=[run(SETTLED)]).verdict is Verdict.STALLED


def test_the_loss_before_training_is_taken_as_it_was_recorded() -> None:
    barely = LN6 - 0.001 * EPOCHS / 40
    trace = run(barely, first=LN6 - 0.3, noise=0.3, more={"train/loss_start": series([LN6])})
    assert RunSignals.of(trace).level.first_error == 0
    assert RunSignals.of(trace).first == LN6
    assert diagnose(trace, others=[run(SETTLED)]).verdict is Verdict.TOO_SLOW


def test_a_spread_that_was_small_before_training_is_not_lost() -> None:
    still_falls = LN6 - 0.0001 * EPOCHS**1.5
    spread = by_epoch(np.append(np.linspace(0.003, 0.2, 20), np.linspace(0.2, 0.009, 20)))
    low = run(still_falls, more={"output_spread": spread, "output_spread_start": series([0.02])})
    lost = run(still_falls, more={"output_spread": spread, "output_spread_start": series([0.5])})
    assert diagnose(low).verdict is Verdict.TOO_SLOW
    assert diagnose(lost).verdict is Verdict.COLLAPSED


def test_a_bounce_that_died_with_the_rate_is_no_progress() -> None:
    rates = series(0.01 * 0.5 * (1 + np.cos(np.pi * np.arange(1200) / 1200)))
    up = EPOCHS <= 25
    bounced = np.where(up, 0.8 + 0.5 * np.random.default_rng(2).random(40), 0.8 - 0.03 * (EPOCHS - 25))
    found = diagnose(run(bounced, classification(scheduler="cosine"), more={"lr": rates}))
    assert found.verdict is Verdict.TRAINED
    smooth = np.where(up, 1.3 - 0.02 * EPOCHS, 0.8 - 0.03 * (EPOCHS - 25))
    assert diagnose(run(smooth, classification(scheduler="cosine"), more={"lr": rates})).verdict is Verdict.TOO_SLOW


def test_no_progress_at_chance_with_answers_that_vary_is_stalled() -> None:
    flat = LN6 + 0.003 * rng().standard_normal(40)
    more = {"output_spread": by_epoch(np.full(40, 0.4)), "update_ratio": series(np.full(1200, 0.01))}
    found = diagnose(run(flat, more=more)).primary
    assert found.verdict is Verdict.STALLED


def test_too_slow_says_how_many_more_steps() -> None:
    slow = 0.1 + (LN6 - 0.1) * np.exp(-EPOCHS / 60)
    found = diagnose(run(slow)).primary
    assert found.verdict is Verdict.TOO_SLOW
    assert "more steps" in found.advice


def test_a_loss_that_creeps_towards_zero_for_ever_is_trained() -> None:
    creeping = 1 / (1 + 2.0 * EPOCHS)  # separable: 1/t; as many steps again bring half of 1/81
    assert diagnose(run(creeping, noise=0.01)).verdict is Verdict.TRAINED


def test_a_cosine_that_ends_while_little_was_learned_is_too_slow() -> None:
    rates = 0.5 * (1 + np.cos(np.pi * np.arange(1200) / 1200))
    travelled = np.cumsum(rates)[29::30] / rates.sum()
    facts = classification(scheduler="cosine")
    fixed = LN6 - 0.3 * travelled
    assert diagnose(run(fixed, facts, more={"lr": series(0.01 * rates)})).verdict is Verdict.TOO_SLOW


def test_nothing_recorded_is_unknown() -> None:
    assert diagnose(Trace({})).verdict is Verdict.UNKNOWN
    assert diagnose(Trace({"lr": series([0.1, 0.1])})).verdict is Verdict.UNKNOWN
    assert diagnose(Trace({"train/loss": series([1.0])})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_short_runs_of_few_epochs_are_diagnosed(epochs: int) -> None:
    falling = LN6 * np.exp(-np.arange(1, epochs + 1) / 20)
    assert diagnose(run(falling)).verdict is Verdict.TOO_SLOW


@pytest.mark.parametrize("steps", [20, 20_000])
def test_any_length_full_batch_and_without_evaluation(steps: int) -> None:
    facts = RunFacts(peak_lr=0.1, scheduler="constant")
    time = np.arange(steps) / steps
    pick = np.unique(np.linspace(0, steps - 1, min(steps, 1000)).astype(int))
    slow, done = np.exp(-0.5 * time), np.exp(-20 * time)
    for loss, verdict in ((slow, Verdict.TOO_SLOW), (done, Verdict.TRAINED)):
        assert diagnose(Trace({"train/loss": series(loss[pick], pick)}, facts)).verdict is verdict


def test_other_findings_follow_the_primary_one() -> None:
    slow = 0.1 + (LN6 - 0.1) * np.exp(-EPOCHS / 60)
    facts = replace(overlong().facts)
    trace = run(slow, facts, more={"lr": overlong().get("lr")})
    assert [f.verdict for f in diagnose(trace).findings] == [Verdict.SCHEDULE_NEVER_MOVED, Verdict.TOO_SLOW]


def test_the_note_holds_verdict_reason_advice_and_numbers() -> None:
    trace = collapsed_run()
    text = note(diagnose(trace), trace)
    assert text.startswith("## Collapsed\n")
    assert "**What to do:** lower lr" in text.splitlines()[2], "before what it rests on"
    assert "| dead units of layer 2 | 1 | 1 |" in text
    assert "Adam" in text
    assert len(text) < 3000


def test_every_finding_is_a_sentence_with_numbers_and_advice() -> None:
    for trace in (collapsed_run(), overlong(), run(SETTLED), run(np.geomspace(2, 3.5e12, 40))):
        for finding in diagnose(trace).findings:
            assert any(c.isdigit() for c in finding.why)
            assert finding.advice
            assert "\n" not in finding.why


@pytest.mark.parametrize(("update", "verdict"), [(0.01, Verdict.STALLED), (0.0002, Verdict.TOO_SLOW)])
def test_a_short_run_whose_weights_have_hardly_moved_has_not_stalled(update: float, verdict: Verdict) -> None:
    """240 updates of 1% of the weights went somewhere and found nothing; of 0.02% they have yet to begin."""
    settled = LN6 - 0.05 * (1 - np.exp(-4.0 * np.arange(1, 9)))
    more = {"update_ratio": series(np.full(240, update)), "train/loss_start": series([LN6])}
    assert diagnose(run(settled, noise=0.001, more=more), others=[run(SETTLED)]).verdict is verdict


def test_a_regression_on_its_way_to_the_mean_of_its_targets_still_learns() -> None:
    """Targets far from 0: nearly all of the fall is the way to their mean, and what is left to learn lies below it."""
    facts = RunFacts(task="regression", constant_loss=1.8, examples=480, batch_size=32, steps_per_epoch=15, peak_lr=0.1)
    losses = 1.8 + 40.0 * 0.5 ** np.arange(10)
    further = {"ahead/again": series([0.9], [149])}
    assert diagnose(run(losses, facts, first=42.0, noise=0.0, more=further)).verdict is Verdict.TOO_SLOW
    stands = {"ahead/again": series([float(losses[-1]) - 0.001], [149])}
    assert diagnose(run(losses, facts, first=42.0, noise=0.0, more=stands)).verdict is not Verdict.TOO_SLOW
