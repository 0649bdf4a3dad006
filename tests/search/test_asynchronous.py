"""Who goes on where trials come to a rung one after the other, worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lrscope.core.ledger import Ledger
from lrscope.search.asynchronous import Arrival, Judge
from lrscope.search.rung_file import RungFile
from lrscope.search.rungs import Rung
from lrscope.search.starting_order import starting_order

THIRD = Judge(keep=1 / 3, evaluations=8, by="now")


def arrival(trial: str, *losses: float, member: str = "", bracket: str = "", start: float = 2.0) -> Arrival:
    return Arrival(member or trial, trial, bracket, start, losses)


def test_the_first_to_come_goes_on() -> None:
    assert THIRD.stops(arrival("a", 0.9), [], Rung(1, 1), 1) is None


def test_a_third_of_those_that_have_come_goes_on() -> None:
    """Of two or three the best alone, of four two: ceil(4 / 3)."""
    known = [arrival("a", 0.5), arrival("b", 0.4), arrival("c", 0.9)]
    second = THIRD.stops(arrival("d", 0.45), known[:2], Rung(1, 1), 1)
    assert second is not None
    assert (second.place, second.among, second.kept, second.forecast) == (2, 3, 1, None)
    assert THIRD.stops(arrival("d", 0.45), known, Rung(1, 1), 1) is None


def test_later_evaluations_of_others_do_not_count_at_an_earlier_rung() -> None:
    """At its first evaluation ``a`` had 0.9; that it has 0.1 by now is of no account to who comes to the first rung."""
    assert THIRD.stops(arrival("b", 0.5), [arrival("a", 0.9, 0.3, 0.1)], Rung(1, 1), 1) is None
    assert THIRD.stops(arrival("b", 0.8, 0.5), [arrival("a", 0.9, 0.3, 0.1)], Rung(2, 1), 2) is not None


def test_a_forecast_sends_on_what_still_falls() -> None:
    """``a`` stands at 0.5; ``b`` fell from 1.2 to 0.6 in the last doubling and comes to 0.6 / 4 at four times that."""
    judge = Judge(keep=0.5, evaluations=8, by="forecast")
    still, falls = arrival("a", 0.5, 0.5), arrival("b", 1.2, 0.6)
    assert judge.stops(falls, [still], Rung(2, 1), 1) is None
    stopped = judge.stops(still, [falls], Rung(2, 1), 1)
    assert stopped is not None
    assert stopped.forecast == pytest.approx(0.5)


def test_seeds_are_one_trial_judged_by_their_mean_and_one_that_fails_puts_it_behind() -> None:
    known = [arrival("a", 0.1, member="a0"), arrival("a", 0.5, member="a1"), arrival("b", 0.2)]
    assert THIRD.stops(arrival("a", 0.1, member="a2"), known, Rung(1, 1), 1) is not None  # mean 0.233 against 0.2
    failed = [arrival("a", 0.1, member="a0"), arrival("b", 0.2)]
    assert THIRD.stops(arrival("a", math.nan, member="a1"), failed, Rung(1, 1), 1) is not None


def test_other_listed_values_are_another_search() -> None:
    known = [arrival("a sgd", 0.1, bracket="sgd")]
    assert THIRD.stops(arrival("a adam", 0.9, bracket="adam"), known, Rung(1, 1), 1) is None


def test_what_went_on_before_goes_on_again() -> None:
    """Its record of an earlier process reaches beyond this rung; the others have become better since."""
    known = [arrival("a", 0.9, 0.8, 0.7), arrival("b", 0.1), arrival("c", 0.2)]
    assert THIRD.stops(arrival("a", 0.9), known, Rung(1, 1), 1) is None
    assert THIRD.stops(arrival("a", 0.9), [arrival("a", 0.9), *known[1:]], Rung(1, 1), 1) is not None


def test_the_file_gives_back_what_was_written_and_leaves_out_half_a_line(tmp_path: Path) -> None:
    file = RungFile(Ledger.new(tmp_path))
    assert file.read() == []
    written = [arrival("lr=0.1", 0.5, 0.25), arrival("lr=1", 0.75, math.inf, bracket="optimizer=sgd")]
    file.append(written[:1])
    with file.path.open("a") as torn:
        torn.write('{"member": "x", "trial": "lr=3", "bra')
    file.append(written[1:])
    assert file.read() == written
    with file.path.open("a") as strange:
        strange.write('[]\n{"member": 1}\nnull\n{"member":"m","trial":"t","bracket":"","start":null,"losses":["x"]}\n')
    assert file.read()[:2] == written
    assert math.isnan(file.read()[2].losses[0])


@pytest.mark.parametrize(
    ("count", "order"), [(0, []), (1, [0]), (2, [0, 1]), (5, [0, 4, 2, 1, 3]), (8, [0, 4, 2, 6, 1, 5, 3, 7])]
)
def test_trials_begin_all_over_the_interval(count: int, order: list[int]) -> None:
    assert starting_order(count) == order
