"""Who goes on at which rung of a halving, by numbers worked by hand."""

from __future__ import annotations

import math

import pytest

from lrscope.search.bracket import Bracket, Entrant
from lrscope.search.forecast import forecast
from lrscope.search.halving import Curve
from lrscope.search.rungs import Rung, rungs


def test_rungs_let_a_share_through_and_take_about_as_much_each() -> None:
    """64 of 50 epochs: 20 go on at epoch 1, 6 at 4, 3 at 15: 64 + 3 · 20 + 11 · 6 + 35 · 3 = 295 of 3,200 epochs."""
    found = rungs(50, 64, 0.3, 3)
    assert found == (Rung(1, 20), Rung(4, 6), Rung(15, 3))
    assert 64 + 3 * 20 + 11 * 6 + 35 * 3 == 295


def test_few_trials_or_epochs_have_few_rungs() -> None:
    assert rungs(50, 3, 0.3, 3) == ()
    assert rungs(1, 64, 0.3, 3) == (), "there is no end of an epoch ahead of the end"
    assert rungs(3, 64, 0.3, 3) == (Rung(1, 20), Rung(2, 6))
    assert rungs(50, 64, 0.3, 3, every=5) == (Rung(5, 20), Rung(10, 6), Rung(15, 3)), "only where it is evaluated"


def test_a_forecast_goes_on_with_the_last_doubling() -> None:
    """0.4 after 2 and 0.2 after 4 of 8 evaluations fell with the inverse of the time, and would come to 0.1; of means
    of two neighbours (1.0, 0.4 → 0.7 and 0.3, 0.2 → 0.25) the fall is capped at that."""
    assert forecast(2.0, [1.0, 0.5], 4) == pytest.approx(0.25)
    assert forecast(2.0, [1.0, 0.4, 0.3, 0.2], 8) == pytest.approx(0.125)
    assert forecast(2.0, [0.9, 0.9, 0.9, 0.9], 8) == pytest.approx(0.9)
    assert forecast(1.0, [1.5], 8) == pytest.approx(1.5), "one that rises is expected to stay"
    assert forecast(1.0, [0.5, math.nan], 8) == math.inf


def test_a_slower_curve_that_falls_on_goes_before_one_that_stands_lower_and_is_flat() -> None:
    curves = {"fast": Curve(2.0, [0.5, 0.5, 0.5, 0.5]), "slow": Curve(2.0, [1.6, 1.2, 0.9, 0.7])}
    entrants = [Entrant(name, name) for name in curves]
    assert _left(Bracket(entrants, [Rung(4, 1)], 16, "forecast", {}), 4, curves) == {"fast": 2}
    assert _left(Bracket(entrants, [Rung(4, 1)], 16, "now", {}), 4, curves) == {"slow": 2}


def test_seeds_are_judged_by_their_mean_and_their_failures_first() -> None:
    """``c`` is lowest where it did not fail: it does not win for that."""
    losses = {"a1": 0.4, "a2": 0.2, "b1": 0.5, "b2": 0.6, "c1": 0.1}
    entrants = [Entrant(name, name[0]) for name in (*losses, "c2")]
    bracket = Bracket(entrants, [Rung(1, 1)], 10, "now", {})
    bracket.end("c2", Curve(failed=True))
    assert _left(bracket, 1, {n: Curve(2.0, [loss]) for n, loss in losses.items()}) == {"b1": 2, "b2": 2, "c1": 3}


def test_what_was_decided_stands() -> None:
    curves = {name: Curve(2.0, [loss]) for name, loss in (("a", 0.3), ("b", 0.2), ("c", 0.1))}
    first = Bracket([Entrant(name, name) for name in curves], [Rung(1, 1)], 4, "now", {})
    assert _left(first, 1, curves) == {"a": 3, "b": 2}
    again = [Entrant("a", "a", out=True, pruned=True), Entrant("b", "b"), Entrant("c", "c")]
    second = Bracket(again, [Rung(1, 1)], 4, "now", first.ranked)
    assert second.identity == first.identity
    otherwise = {"b": Curve(2.0, [0.05]), "c": Curve(2.0, [0.1])}
    assert _left(second, 1, otherwise) == {"b": 2}, "c had been chosen, whatever it is now"


def _left(bracket: Bracket, epoch: int, curves: dict[str, Curve]) -> dict[str, int]:
    bracket.rank(epoch, curves)
    return {member: pruned.place for member, pruned in bracket.leaving(epoch, curves).items()}
