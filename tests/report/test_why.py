"""Why the others failed: who, in which words, and which curves show it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import member, sweep

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import Member
from lrscope.report.output.report import report_of
from lrscope.report.why.evidence import evidence_of
from lrscope.report.why.failures import Failure, heading
from lrscope.report.why.plain_words import because


def curve(values: Sequence[float], every: int = 1) -> Series:
    return Series(np.arange(len(values)) * every, np.asarray(values, np.float64))


def with_curves(made: Member, curves: Mapping[str, Series], classes: int = 0) -> Member:
    shares = tuple(1 / classes for _ in range(classes))
    return replace(made, trace=Trace({**made.trace.series, **curves}, RunFacts(class_shares=shares)))


def dead(rate: float, seed: int, since: int) -> Member:
    """All units of layer 2 die at a step; layer 1 lives on."""
    units = np.where(np.arange(0, 40, 4) >= since, 1.0, 0.5)
    return with_curves(
        member(rate, [1.8, 1.8], seed=seed, verdict=Verdict.COLLAPSED),
        {
            "dead_units/1": curve([0.1] * 10, 4),
            "dead_units/2": curve(units.tolist(), 4),
            "output_spread": curve([0.2, 0.0, 0.0], 10),
        },
        classes=6,
    )


def told(members: Sequence[Member], axes: Sequence[str] = ("lr",)) -> tuple[Failure, ...]:
    return report_of(sweep(members, axes)).failures


def test_one_sentence_a_rate_for_all_its_seeds() -> None:
    best = [member(0.001, [0.9, 0.3 + 0.01 * seed], seed=seed) for seed in range(5)]
    (failure,) = told(
        [*best, *(dead(0.01, seed, since) for seed, since in enumerate((4, 8, 12, 8, 4)))], ("lr", "seed")
    )
    assert failure.who == "lr=0.01, 5 of 5 seeds"
    assert failure.why == (
        "by step 12 every unit of layer 2 is dead; the network answers the same for every input, 1 of 6 classes"
    )
    assert [(figure.title, len(figure.lines)) for figure in failure.evidence] == [
        ("share of dead units, worst layer", 5),
        ("spread of the answers", 5),
    ]


def test_a_rate_that_fails_for_some_seeds_says_for_how_many() -> None:
    made = [member(0.001, [0.9, 0.3], seed=seed) for seed in range(5)]
    made += [member(0.01, [0.9, 0.2], seed=0), *(dead(0.01, seed, 8) for seed in range(1, 5))]
    (failure,) = told(made, ("lr", "seed"))
    assert failure.who == "lr=0.01, 4 of 5 seeds"


def test_neighbours_of_which_the_same_is_said_are_told_once() -> None:
    failures = told([member(0.001, [0.3]), dead(0.1, 0, 8), dead(0.3, 0, 8), dead(1, 0, 12)])
    assert [failure.who for failure in failures] == ["lr=0.1 to 0.3, 2 members", "lr=1"]
    many = told([member(0.001, [0.3]), *(dead(1 + i, 0, 4 * i) for i in range(8))])
    assert [failure.who for failure in many] == ["lr=1 to 8, 8 members"]


def test_what_fell_short_comes_after_what_failed() -> None:
    slow = [member(rate, [2.0, loss], verdict=Verdict.TOO_SLOW) for rate, loss in ((1e-5, 1.9), (1e-4, 1.5))]
    failures = told([*slow, member(0.01, [0.5, 0.3]), dead(1, 0, 4)])
    assert [(f.who, f.failed) for f in failures] == [("lr=1", True), ("lr=1e-05 to 0.0001, 2 members", False)]
    assert heading(failures) == "Why the others failed"
    assert heading(failures[1:]) == "Where the others fell short"


def test_on_two_axes_a_value_is_told_once_with_the_settings_it_failed_with() -> None:
    made = [
        replace(
            dead(rate, 0, 4) if rate == 1 or decay == "1" else member(rate, [0.3]),
            settings={"lr": f"{rate:g}", "optimizer.weight_decay": decay},
        )
        for rate in (0.01, 1.0)
        for decay in ("0", "0.1", "1")
    ]
    failures = told(made, ("lr", "optimizer.weight_decay"))
    assert [failure.who for failure in failures] == [
        "lr=0.01 with optimizer.weight_decay=1",
        "lr=1 with every optimizer.weight_decay, 3 members",
    ]


def test_the_recommended_member_and_crashes_need_no_excuse() -> None:
    slow = member(0.01, [0.5, 0.3], verdict=Verdict.TOO_SLOW)
    crashed = member(0.1, [], status="FAILED", verdict=None)
    assert told([slow, crashed, member(0.001, [0.9])]) == ()


WORDS = [
    (
        Verdict.DIVERGED,
        {"train/loss": curve([2.0, 50.0, math.inf])},
        "the loss, 2 at the start, was no finite number any more by step 2",
    ),
    (Verdict.DIVERGED, {"train/loss": curve([2.0, 50.0, 1e9])}, "the loss grew from 2 to 1e+09 by step 2"),
    (
        Verdict.COLLAPSED,
        {"output_spread": curve([0.2, 0.003])},
        "the network answers nearly the same for every input: the spread of its answers is down to 0.003",
    ),
    (
        Verdict.STALLED,
        {"train/loss_eval": curve([1.9, 1.8]), "train/loss": curve([2.0]), "grad_norm": curve([0.5] * 9)},
        "the loss stands at 1.8 (2 at the start), where lr=0.01,seed=0 came to 0.3; the gradient is still there"
        " (norm 0.5)",
    ),
    (
        Verdict.TOO_SLOW,
        {"train/loss_eval": curve([1.9, 1.8], 50)},
        "the loss was still falling when the run ended: 1.8 after 51 updates, where lr=0.01,seed=0 came to 0.3",
    ),
    (
        Verdict.TOO_SLOW,
        {"train/loss": curve([2.3] * 4), "train/loss_eval": curve([1.9, 0.5, 0.6, 1.2], 50)},
        "the loss had been down at 0.5 and was back at 1.2 after 151 updates, where lr=0.01,seed=0 came to 0.3",
    ),
    (
        Verdict.TOO_SLOW,
        {"train/loss_start": curve([1.9]), "train/loss_eval": curve([1.9, 1.9], 50)},
        "after 51 updates the loss is no lower than it began: 1.9, where lr=0.01,seed=0 came to 0.3",
    ),
    (
        Verdict.OVERFITTING,
        {"val/loss": curve([0.9, 0.4, 0.7], 10)},
        "the validation loss was lowest at step 10 (0.4) and rose to 0.7 while the training loss fell",
    ),
    (
        Verdict.OSCILLATING,
        {"train/loss": curve([2.0] * 80 + [0.4, 0.8] * 10)},
        "the updates jump across a minimum instead of going down into it: in the last fifth of the run the loss of"
        " a batch swings between 0.4 and 0.8",
    ),
    (
        Verdict.SCHEDULE_RAN_OUT,
        {"lr": curve([0.1, 0.05, 1e-4, 1e-5], 10)},
        "after step 10 of 30 the rate is below 1% of its peak",
    ),
    (
        Verdict.SCHEDULE_NEVER_MOVED,
        {"lr": curve([1.0, 0.9999906], 23)},
        "the rate of the last step is 0.9999906 times that of the first: this is a constant rate in truth",
    ),
]


@pytest.mark.parametrize(("verdict", "curves", "words"), WORDS)
def test_every_verdict_in_plain_words(verdict: Verdict, curves: Mapping[str, Series], words: str) -> None:
    best = replace(member(0.01, []), trace=Trace({"train/loss_eval": curve([2.0, 0.3])}))
    failed = replace(member(1, [], verdict=verdict), trace=Trace(curves))
    assert because(verdict, [failed], best) == words
    assert evidence_of(verdict, [failed], best), "and a figure shows it"


def test_every_verdict_has_words_of_its_own_and_falls_back_on_the_runs() -> None:
    silent = replace(member(1, []), trace=Trace({}), why="as the run said")
    for verdict in Verdict:
        assert because(verdict, [silent], None) == "as the run said"
        assert evidence_of(verdict, [silent], None) == ()
    assert {verdict for verdict, _, _ in WORDS} == set(Verdict) - {Verdict.TRAINED, Verdict.UNKNOWN}
