"""The smooth curve through the rates of a sweep, against formulas worked the long way and curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lrscope.report.analysis.gaussian_process import DEGREES, JITTER, VAGUE, Observed, Smoothness, condition
from lrscope.report.analysis.rate_curve import MOST, Loss, RateCurve, fit_curve

START = 2.0


def _seen() -> Observed:
    return Observed(
        np.array([-3.0, -2.5, -2.0, -2.0, -1.0]), np.array([0.9, 0.4, 0.1, 0.2, 0.8]), np.array([0, 0, 0, 1, 1])
    )


def _slow(seen: Observed, places: np.ndarray, smooth: Smoothness, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of everything, entry by entry, without noise; and which entries are noisy."""
    x = [*seen.x, *places]
    series = [*seen.series, *[-1 - k for k in range(len(places))]]
    cov = np.empty((len(x), len(x)))
    for i in range(len(x)):
        for j in range(len(x)):
            likeness = np.exp(-((x[i] - x[j]) ** 2) / (2 * smooth.length**2))
            shared = own * likeness if series[i] == series[j] and i < len(seen.x) else 0.0
            cov[i, j] = likeness + shared + VAGUE
    noise = np.diag([smooth.noise**2 + JITTER] * len(seen.x) + [0.0] * len(places))
    return cov, noise


@pytest.mark.parametrize("smooth", [Smoothness(0.4, 0.2), Smoothness(0.9, 0.05)])
def test_the_posterior_is_that_of_the_joint_distribution(smooth: Smoothness) -> None:
    seen, places, own, deviation = _seen(), np.array([-2.7, -1.5]), 0.1, 0.35
    cov, noise = _slow(seen, places, smooth, own)
    n = len(seen.x)
    known = (cov + noise)[:n, :n]
    inverse = np.linalg.inv(known)
    square = seen.y @ inverse @ seen.y + DEGREES * deviation**2
    scale = square / (n + DEGREES)
    found = condition(seen, places, smooth, own, deviation, future=5)
    assert found.mean == pytest.approx(cov[n:, :n] @ inverse @ seen.y, abs=1e-8)
    assert found.cov == pytest.approx(scale * (cov[n:, n:] - cov[n:, :n] @ inverse @ cov[:n, n:]), abs=1e-7)
    likeness = np.exp(-((places[:, None] - places[None]) ** 2) / (2 * smooth.length**2))
    assert found.scatter == pytest.approx(scale * (own * likeness + smooth.noise**2 * np.eye(2)) / 5)
    assert found.degrees == n + DEGREES


def test_the_evidence_is_the_likelihood_of_a_students_t() -> None:
    """Up to a constant: scipy's multivariate t, with the prior's guess of the deviation as its scale."""
    seen, guesses = _seen(), (Smoothness(0.3, 0.1), Smoothness(0.8, 0.4))
    ours, theirs = [], []
    for smooth in guesses:
        ours.append(condition(seen, np.array([-2.0]), smooth, 0.05, 0.35, 5).evidence)
        cov, noise = _slow(seen, np.empty(0), smooth, 0.05)
        theirs.append(stats.multivariate_t(shape=0.35**2 * (cov + noise), df=DEGREES).logpdf(seen.y))
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1], abs=1e-6)


def test_draws_have_the_mean_and_spread_of_the_posterior() -> None:
    found = condition(_seen(), np.array([-2.7, -1.5]), Smoothness(0.4, 0.2), 0.1, 0.35, 5)
    curves, dense = found.draws(60_000, np.random.default_rng(1))
    wider = found.degrees / (found.degrees - 2)  # a t is wider than its scale
    assert curves.mean(0) == pytest.approx(found.mean, abs=0.01)
    assert np.cov(curves.T) == pytest.approx(found.cov * wider, rel=0.05, abs=0.002)
    assert np.cov((dense - curves).T) == pytest.approx(found.scatter * wider, rel=0.05, abs=0.001)


def _valley(rates: int, noise: float, seeds: int = 1, best: float = -2.0) -> list[Loss]:
    rng = np.random.default_rng(3)
    return [
        Loss(float(rate), seed, float(0.2 + 0.3 * (np.log10(rate) - best) ** 2 + noise * rng.normal()))
        for rate in np.geomspace(1e-4, 1, rates)
        for seed in range(seeds)
    ]


def _fit(losses: list[Loss]) -> RateCurve:
    means = {rate: np.mean([one.loss for one in losses if one.rate == rate]) for rate in {one.rate for one in losses}}
    found = fit_curve(losses, float(min(means.values())), START)
    assert found is not None
    return found


def test_the_interval_holds_the_best_rate_and_is_wider_where_the_curve_is_jagged() -> None:
    widths = []
    for noise in (0.001, 0.03, 0.15):
        low, high = _fit(_valley(17, noise)).interval()
        assert low <= 0.01 <= high
        widths.append(np.log10(high / low))
    assert widths == sorted(widths) and widths[-1] > 2 * widths[0]


def test_more_seeds_narrow_it_and_make_it_sure() -> None:
    one, five = _fit(_valley(9, 0.05)), _fit(_valley(9, 0.05, seeds=5))
    assert five.interval()[1] / five.interval()[0] < one.interval()[1] / one.interval()[0]
    assert five.sure_of(0.01) > one.sure_of(0.01)


def test_one_lucky_rate_is_not_the_lowest_of_the_curve() -> None:
    losses = _valley(17, 0.02)
    lucky = [Loss(one.rate, 0, 0.12) if np.isclose(one.rate, 0.1) else one for one in losses]
    assert min(lucky, key=lambda one: one.loss).rate == pytest.approx(0.1)
    assert 0.002 < _fit(lucky).lowest < 0.06


def test_a_rate_that_failed_bounds_the_valley() -> None:
    """The curve comes down to the last rate that trains; the next failed, and stands at the loss of the start."""
    losses = [Loss(10.0**power, 0, loss) for power, loss in ((-3, 1.6), (-2, 1.0), (-1, 0.4), (0, 2.0))]
    assert _fit(losses).interval()[1] < 0.8


def test_two_rates_make_no_curve_nor_does_a_sweep_that_gained_nothing() -> None:
    assert fit_curve([Loss(0.1, 0, 0.5), Loss(0.01, 0, 0.4)], 0.4, START) is None
    assert fit_curve([Loss(10.0**k, 0, START) for k in range(4)], START, START) is None


def test_of_very_many_members_neighbours_are_taken_together() -> None:
    many, few = _fit(_valley(4 * MOST, 0.02)), _fit(_valley(MOST, 0.02))
    assert many.lowest == pytest.approx(0.01, rel=0.5)
    assert np.log10(many.interval()[1] / many.interval()[0]) < 1.5 * np.log10(few.interval()[1] / few.interval()[0])
