"""Every number and comparison of every note is true of the curves, and no two sentences of a note are at odds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, line, run, series

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from corpus_parts.cases import draw
from corpus_parts.sentences import contradictions, false_sentences
from corpus_parts.training import Run

EPOCHS = np.arange(1, 41)
SETTLED = 0.1 + (LN6 - 0.1) * np.exp(-EPOCHS / 4)
BOUNCING = SETTLED + 0.4 * np.random.default_rng(1).random(40) * (EPOCHS > 5)


def all_is_true(traces: list[Trace]) -> None:
    alone = [diagnose(trace) for trace in traces]
    for trace, *told in zip(traces, alone, diagnose_sweep(traces), strict=True):
        others = [other for other in traces if other is not trace]
        wrong = [words for found in told for words in false_sentences(found, trace, others) + contradictions(found)]
        assert not wrong


@pytest.fixture(scope="module")
def small_corpus() -> dict[str, list[Trace]]:
    """Real trainings of some 40 updates, at rates from 1e-6 to 100, with what their copies did."""
    found: dict[str, list[Trace]] = {}
    for case in draw(sweeps=8, rates=4, seed=77, fresh=True):
        short = replace(case, epochs=min(case.epochs, 40), batch_size=max(case.batch_size, 64))
        found.setdefault(case.sweep, []).append(Run(short).train(16, 16)[0])
    return found


def test_the_notes_of_real_trainings_are_true(small_corpus: dict[str, list[Trace]]) -> None:
    verdicts = {diagnose(trace).verdict for traces in small_corpus.values() for trace in traces}
    assert len(verdicts) >= 5, "many kinds of sentences"
    for traces in small_corpus.values():
        all_is_true(traces)


def test_the_notes_of_the_line_are_true() -> None:
    all_is_true([line(rate, 200) for rate in (1e-5, 1e-3, 0.1, 0.119, 0.1205, 0.125, 1.0)])


@pytest.mark.parametrize(
    "trace",
    [
        run(BOUNCING, more={"update_cosine": series(np.full(1200, -0.8))}),
        run(SETTLED, more={"val/loss": by_epoch(SETTLED + 0.01 * np.maximum(0, EPOCHS - 15))}),
        run(LN6 - 1e-5 * EPOCHS, more={"update_ratio": series(np.full(1200, 1e-6))}),
        run(LN6 + 0.003 * np.random.default_rng(0).standard_normal(40),
            more={"output_spread": by_epoch(np.full(40, 0.4)), "update_ratio": series(np.full(1200, 0.01)),
                  "grad_norm": series(np.geomspace(1, 3.7e-10, 1200))}),
        run(np.full(40, 0.7395), RunFacts(task="classification", class_shares=(0.5, 0.5), peak_lr=1.0,
            steps_per_epoch=30), first=0.8, more={"output_spread": by_epoch([0.5] + [0.0] * 39)}),
        run(np.linspace(LN6, 0.9, 40), classification(scheduler="cosine"),
            more={"lr": series(0.01 * 0.5 * (1 + np.cos(np.pi * np.arange(1200) / 1200)))}),
        run(np.append(np.full(39, 1.1), np.inf)),
        run(np.geomspace(2.0, 3.5e12, 40)),
        run(LN6 + 0.2 - 0.001 * EPOCHS, first=1.9, more={"ahead/same_lr": series([LN6 + 0.15], [1199]),
            "ahead/lower_lr": series([LN6 + 0.1], [1199])}),
    ],
    ids=lambda _: "made",
)  # fmt: skip
def test_the_notes_of_made_runs_are_true(trace: Trace) -> None:
    all_is_true([trace])
    all_is_true([trace, run(SETTLED)])


@pytest.mark.parametrize(
    "why",
    [
        "train loss went from 1.792 to 1.792 and still falls: 1,200 more steps would take it down by about 0.9, 90% of "
        "the fall so far",
        "train loss 0.1001, 4.0% above ln 2 (0.6931), which a constant answer has",
        "train loss fell from 1.792 to 2.1 and levelled off",
        "train loss is infinite since step 0",
        "100% of the units of layer 2 dead since step 34",
        "something new is 7.3",
    ],
)
def test_a_false_sentence_is_found(why: str) -> None:
    trace = run(SETTLED, more={"dead_units/2": series(np.zeros(1200))})
    assert false_sentences(Diagnosis((Finding(Verdict.TRAINED, why, ""),)), trace)


def test_sentences_at_odds_are_found() -> None:
    told = Finding(Verdict.STALLED, "it has learned nothing of the inputs", "keep this rate")
    assert contradictions(Diagnosis((told,)))
    assert not contradictions(Diagnosis((replace(told, advice="try lr=0.1 first"),)))


def test_two_orders_of_the_data_that_disagree_call_no_run_oscillating() -> None:
    at, high = [1199], SETTLED + 0.3
    more = {"ahead/same_lr": series([0.41], at), "ahead/lower_lr": series([0.1], at)}
    assert diagnose(run(high, more=more)).verdict is Verdict.OSCILLATING
    agree = {"ahead/same_lr_other": series([0.41], at), "ahead/lower_lr_other": series([0.12], at)}
    disagree = {"ahead/same_lr_other": series([0.41], at), "ahead/lower_lr_other": series([0.39], at)}
    found = diagnose(run(high, more=more | agree)).primary
    assert found.verdict is Verdict.OSCILLATING and "in another order of the data to 0.12" in found.why
    found = diagnose(run(high, more=more | disagree)).primary
    assert (found.verdict, found.certainty) == (Verdict.TRAINED, "weak")
    assert "two orders of the data" in found.why
