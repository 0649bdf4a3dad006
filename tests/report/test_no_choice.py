"""What a report says where no rate did anything, and by which rate it compares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import member, series, sweep

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series
from lrscope.core.verdict import Cause, Finding, Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Member
from lrscope.report.output.starred import best_row

TEN = RunFacts(task="classification", class_shares=(0.1,) * 10)
LN10 = 2.302585


def of(members: list[Member], *axes: str, **more: object) -> Recommendation:
    return recommend(compare((sweep(members, axes or ("lr",), **more),)))[0]  # type: ignore[arg-type]


def known(made: Member, facts: RunFacts, accuracy: float | None = None) -> Member:
    curves = dict(made.trace.series)
    if accuracy is not None:
        curves["train/acc"] = series([accuracy])
    return replace(made, trace=replace(made.trace, series=curves, facts=facts))


@pytest.mark.parametrize("verdict", [Verdict.TOO_SLOW, Verdict.TRAINED])
@pytest.mark.parametrize("metric", ["val/loss", "train/loss_eval"])
@pytest.mark.parametrize(("loss", "facts"), [(2.303, TEN), (100.2, RunFacts(task="regression", constant_loss=100.0))])
def test_a_rate_that_beats_no_constant_answer_is_not_recommended_without_these_words(
    verdict: Verdict, metric: str, loss: float, facts: RunFacts
) -> None:
    made = [member(r, [loss + 0.001 * r], verdict=verdict, metric=metric) for r in (0.001, 0.01, 0.1)]
    found = of([known(m, facts, 0.1) for m in made])
    assert "constant answer" in found.headline and "nothing was learned" in found.headline
    assert not found.headline.startswith("Use ")
    assert not any("is as good" in sentence for sentence in found.sentences)


@pytest.mark.parametrize("verdict", [Verdict.TOO_SLOW, Verdict.TRAINED])
def test_no_rate_is_recommended_for_labels_that_are_all_the_same(verdict: Verdict) -> None:
    cause = Cause("one target for all examples", "all have the same target", "give it examples of other classes")
    facts = RunFacts(task="classification", constant_loss=0.0)
    made = [known(member(r, [v], verdict=verdict), facts, 1.0) for r, v in ((0.01, 0.4), (0.1, 1e-5))]
    same = [replace(m, finding=Finding(verdict, "", "", causes=(cause,))) for m in made]
    found = of(same)
    assert found.headline.startswith("No rate can be recommended: all have the same target. Give it examples of other")
    assert not any("Use lr" in sentence for sentence in found.sentences) and found.best is None and not found.commands
    other = replace(made[1], trace=replace(made[1].trace, facts=TEN), finding=Finding(verdict, "", ""))
    assert of([same[0], other]).best is not None


def test_a_rate_that_learned_is_recommended_as_ever() -> None:
    above_chance = [known(member(r, [2.5]), TEN, 0.6) for r in (0.001, 0.01, 0.1)]
    below = [known(member(r, [v]), TEN) for r, v in ((0.001, 2.3), (0.01, 1.0), (0.1, 2.4))]
    for members in (above_chance, below):
        assert of(members).headline.startswith("Use lr=")


def swept(key: str, values: tuple[float, ...], used: tuple[float, ...], losses: tuple[float, ...]) -> list[Member]:
    """Members of a sweep over that key; ``lr`` stays at 0.001 unless it is what was swept."""
    made = []
    for value, rate, loss in zip(values, used, losses, strict=True):
        params = {"lr": "0.001", "optimizer.lr": "0.001", key: f"{value:g}"}
        facts = RunFacts(peak_lr=rate, rate_key="optimizer.lr" if key != "scheduler.max_lr" else key)
        one = member(rate, [loss], settings={key: f"{value:g}", "seed": "0"}, params=params)
        curves = {**one.trace.series, "lr": Series(np.array([0]), np.array([rate]))}
        made.append(replace(one, trace=replace(one.trace, series=curves, facts=facts)))
    return made


@pytest.mark.parametrize("key", ["optimizer.lr", "scheduler.max_lr"])
def test_an_axis_of_another_key_of_the_rate_is_one_of_rates(key: str) -> None:
    rates = (0.003, 0.3, 3.0)
    found = of(swept(key, rates, rates, (0.9, 0.5, 0.2)), key, overrides=(f"{key}=0.003,0.3,3",))
    assert found.best == 3.0
    assert found.headline.startswith(f"Use {key}=3")
    assert any("highest rate of the sweep" in warning for warning in found.warnings)
    assert all(f" {key}=" in command and " lr=" not in command for _, command in found.commands)


def test_an_axis_that_changed_nothing_is_told_and_no_range_is_as_good() -> None:
    rates = (0.003, 0.03, 0.3)
    found = of(swept("lr", rates, (0.01, 0.01, 0.01), (0.4, 0.4, 0.4)))
    assert found.best is None
    assert "lr changed nothing" in found.headline and "0.01" in found.headline
    assert not any("as good" in sentence for sentence in found.sentences)


@pytest.mark.parametrize(
    ("facts", "losses", "verdict", "cause"),
    [
        (replace(TEN, optimizer="SGD", weight_decay=1.0, peak_lr=3.0), [LN10] * 3, Verdict.COLLAPSED, "weight_decay"),
        (replace(TEN, broken_examples=3, examples=480), [np.nan] * 3, Verdict.DIVERGED, "look at the data"),
    ],
)
def test_where_it_is_not_the_rate_no_other_rates_are_proposed(
    facts: RunFacts, losses: list[float], verdict: Verdict, cause: str
) -> None:
    made = [known(member(r, losses, verdict=verdict, metric="train/loss_eval"), facts) for r in (0.3, 3.0)]
    steps = Series(np.array([0, 29]), np.array([3.0, 3.0]))
    made = [replace(m, trace=replace(m.trace, series={**m.trace.series, "lr": steps})) for m in made]
    found = of(made)
    assert "No other rate would help" in found.headline and cause in found.headline
    assert found.commands == ()
    ordinary = [member(r, losses, verdict=verdict, metric="train/loss_eval") for r in (0.3, 3.0)]
    assert "No other rate" not in of(ordinary).headline and of(ordinary).commands


def test_what_memorised_noise_is_neither_starred_nor_looked_at_more_closely() -> None:
    """The training loss falls far below a constant answer's, the validation loss never does."""
    facts = RunFacts(task="classification", class_shares=(0.95, 0.05), constant_loss=0.1985, val_constant_loss=0.1985,
                     val_examples=1000)  # fmt: skip
    made = []
    for rate, high in ((0.001, 0.21), (0.01, 0.202), (0.1, 0.23)):
        one = known(member(rate, [0.6, high, high, high, high], verdict=Verdict.OVERFITTING), facts)
        curves = {**one.trace.series, "train/loss_eval": series([0.5, 0.19, 0.15, 0.12, 0.1])}
        made.append(replace(one, trace=replace(one.trace, series=curves)))
    compared = compare((sweep(made, ("lr",)),))
    found = recommend(compared)
    assert "memorised" in found[0].headline and not found[0].headline.startswith("Use ")
    assert best_row(compared, found) is None
    assert not found[0].commands


def test_where_nothing_works_what_was_tried_is_said_and_the_command_is_about_that_rate() -> None:
    advice = "start with lr=0.1: tried for 48 updates from the same start: 0.1 falls (to 0.167), 3.2 does not"
    found = Finding(Verdict.DIVERGED, "it grew", advice, rate=0.1, changes={"lr": 0.1})
    made = of([replace(member(r, [9.0], verdict=Verdict.DIVERGED), finding=found) for r in (1e4, 1e5)])
    assert "none of 2 members trained (2 diverged). Start with lr=0.1: tried for 48 updates" in made.headline
    ((_, words),) = made.commands
    assert words.endswith("lr=0.01,0.032,0.1,0.32,1")


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("rates", [(1e-6, 1e-5), (1e-6, 1e-5, 1e-4)])
def test_where_every_rate_was_too_slow_the_next_command_goes_up(learned: bool, rates: tuple[float, ...]) -> None:
    """The lowest is the best by the luck of its seed alone."""
    start = 1.9 if learned else 2.303
    made = [member(r, [start + 1e-5 * place], verdict=Verdict.TOO_SLOW) for place, r in enumerate(rates)]
    found = of([known(m, TEN, 0.3 if learned else 0.1) for m in made])
    words = found.commands[0][1].partition("lr=")[2].split(",")
    assert float(words[0]) == max(rates) and float(words[1]) > max(rates)
    assert not any("lowest rate of the sweep" in warning for warning in found.warnings)
    assert any("highest rate of the sweep" in warning for warning in found.warnings)


def test_no_command_leads_to_where_the_sweep_shows_it_to_be_worse() -> None:
    """Too slow by their training loss; the higher the rate the clearer the validation loss is worse."""
    made = [member(r, [v], verdict=Verdict.TOO_SLOW) for r, v in ((0.001, 0.5), (0.01, 0.9), (0.1, 1.4))]
    found = of([known(m, TEN, 0.6) for m in made])
    assert not any("beyond" in reason for reason, _ in found.commands)
    one_that_trained = [*made[1:], member(0.001, [0.5])]
    assert "beyond the edge" in of([known(m, TEN, 0.6) for m in one_that_trained]).commands[0][0]
