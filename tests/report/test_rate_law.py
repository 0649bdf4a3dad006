"""The rate of a long run from the best rates of short ones, by numbers worked by hand."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from lrscope.core.found_rate import FoundRate, Horizon, Measured, RateAt
from lrscope.report.analysis.rate_law import Slope, fails_from, find_rate, fit_line, optimum

RATES = tuple(10 ** (exponent / 4) for exponent in range(-24, 5))
"""1e-6 to 10, four a decade."""


def valley(best: float, floor: float = 0.2, start: float = 2.0) -> tuple[float, ...]:
    """A loss that is lowest at one rate and as high as at the start a decade and a half from there; inf beyond two."""
    far = [math.log10(rate / best) for rate in RATES]
    lost = [min(1.0, (decades / 1.5) ** 2) for decades in far]
    return tuple(math.inf if x > 2 else floor + (start - floor) * share for x, share in zip(far, lost, strict=True))


def measured(best: dict[int, float], planned: int = 3200, **other: float) -> Measured:
    horizons = tuple(Horizon(updates, valley(rate)) for updates, rate in best.items())
    return Measured(RATES, horizons, start=2.0, planned=planned, spent=0.28, **other)


def at(updates: int, rate: float, factor: float = 1.5) -> RateAt:
    return RateAt(updates, rate, rate / factor, rate * factor)


def test_a_line_through_optima_that_lie_on_the_slope_that_is_known() -> None:
    """0.1 at 50, 0.05 at 200, 0.025 at 800 fall by half where the updates grow fourfold: 0.0125 at 3,200."""
    line = fit_line([at(50, 0.1), at(200, 0.05), at(800, 0.025)], Slope(-0.5, 0.15), 3200)
    found = line.rate_at(3200, 800)
    assert found.rate == pytest.approx(0.0125) and line.slope == pytest.approx(-0.5)
    assert found.low < 0.0125 < found.high


def test_one_horizon_is_carried_on_by_what_is_known_of_the_slope() -> None:
    assert fit_line([at(800, 0.04)], Slope(-1.0, 0.1), 3200).rate_at(3200, 800).rate == pytest.approx(0.01)


def test_two_sure_horizons_outweigh_a_guess_of_the_slope() -> None:
    """The optima say 0, the guess -1 with a deviation of 3: next to nothing of the guess is left."""
    line = fit_line([at(100, 0.1, 1.05), at(1000, 0.1, 1.05)], Slope(-1.0, 3.0), 1000)
    assert line.slope == pytest.approx(0.0, abs=0.01)


def test_the_interval_grows_with_the_way_beyond_the_last_horizon() -> None:
    line = fit_line([at(50, 0.1), at(100, 0.07), at(200, 0.05)], Slope(-0.5, 0.1), 400)
    widths = [found.high / found.low for found in (line.rate_at(n, 200) for n in (200, 400, 3200))]
    assert widths == sorted(widths) and widths[0] < widths[2]


def test_the_optimum_of_a_parabola_is_its_vertex() -> None:
    found = optimum(measured({50: 0.013}), Horizon(50, valley(0.013)))
    assert found is not None
    assert found.rate == pytest.approx(0.013, rel=0.25) and found.low < 0.013 < found.high


def test_the_rate_of_the_planned_updates_follows_the_law() -> None:
    found = find_rate(measured({200: 0.04, 400: 0.04 / 2**0.5, 800: 0.02}), Slope(-0.5, 0.1))
    assert found.best is not None and found.why_not == ""
    assert found.best.updates == 3200 and found.best.rate == pytest.approx(0.01, rel=0.3)
    assert found.best.low < 0.01 < found.best.high
    assert [one.updates for one in found.longer] == [6400, 25600]
    assert found.longer[1].rate == pytest.approx(found.best.rate * 8**found.slope)
    assert 0.5 < found.sure < 1 and found.spent == 0.28


def test_where_copies_fail() -> None:
    """The valley at 0.02 ends 1.5 decades above, at 0.63: of the rates that were tried 1 is the first beyond."""
    assert fails_from(measured({200: 0.02})) == 1.0
    calm = Measured(RATES, (Horizon(5, tuple(1.0 for _ in RATES)),), 2.0, 100, 0.1)
    assert fails_from(calm) is None


def test_no_rate_improves_anything() -> None:
    flat = Measured(RATES, (Horizon(50, tuple(np.linspace(2.0, 1.97, len(RATES)))),), 2.0, 500, 0.1)
    assert find_rate(flat, Slope(-0.5, 0.1)).why_not == "no rate improves the val/loss within 50 updates"


def test_the_bar_is_the_constant_answer_where_that_is_below_the_start() -> None:
    """0.2 is far below 2, and no gain where an answer that is always the same comes to 0.2 as well."""
    found = find_rate(measured({50: 0.02, 100: 0.02}, constant=0.2), Slope(-0.5, 0.1))
    assert found.best is None and "no rate improves" in found.why_not


@pytest.mark.parametrize(("best", "key"), [(1e-6, "find.low"), (10.0, "find.high")])
def test_an_optimum_at_the_edge_is_none(best: float, key: str) -> None:
    found = find_rate(measured({50: best, 100: best}), Slope(-0.5, 0.1))
    assert found.best is None and key in found.why_not


def test_optima_that_lie_on_no_line() -> None:
    found = find_rate(measured({50: 0.001, 100: 0.3, 200: 0.001}), Slope(-0.5, 0.1))
    assert found.best is None and "the fit is bad" in found.why_not


def test_a_finding_comes_back_from_json_as_it_was() -> None:
    found = find_rate(measured({200: 0.04, 400: 0.03}), Slope(-0.5, 0.1))
    assert FoundRate.from_plain(json.loads(json.dumps(asdict(found)))) == found
    assert FoundRate.from_plain({"planned": "many"}) is None and FoundRate.from_plain([]) is None
