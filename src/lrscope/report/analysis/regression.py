"""Whether one setting trains worse than another: an interval over seeds, never one number against one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.core.dataset_name import dataset_name
from lrscope.core.errors import InputError, Problem
from lrscope.report.analysis.choice import FEW_SEEDS
from lrscope.report.analysis.comparison import Row
from lrscope.report.analysis.estimates import (
    Estimate,
    Share,
    difference_interval,
    loss_interval,
    mean_interval,
    share_of,
    surely_higher,
)
from lrscope.report.analysis.judged_by import JudgedBy
from lrscope.report.analysis.noise import GAIN_TOLERANCE, RELATIVE_TOLERANCE
from lrscope.report.analysis.recommendation import loss as shown

CONFIDENCE = 0.99
"""Of the interval of the difference. Noise alone lies beyond one of its ends in 1 of 200 checks; a check that runs
with each change of a program may not cry wolf more often."""

DATA, MAKER = "dataset.name", "dataset._target_"
"""The params that tell the data of a run; of other programs' runs they are mostly missing."""

PAIRED_FROM = 5
"""With so many seeds, the same on both sides, differences are taken seed by seed: what a seed does to both cancels out.
With fewer the interval of paired differences is wider than that of two samples."""


@dataclass(frozen=True)
class Side:
    """A setting over seeds: its runs, what decides, and its cost before training (nan: not recorded)."""

    setting: str
    rows: tuple[Row, ...]
    judge: JudgedBy
    start: float

    @property
    def loss(self) -> str:
        """The name of the loss or metric that decides."""
        return self.judge.metric

    @property
    def trained(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.member.failed and math.isfinite(row.score))

    @property
    def seeds(self) -> int:
        """How many there are; runs whose seed is not known have one of their own."""
        return len({row.member.run_id if row.member.seed is None else row.member.seed for row in self.trained})

    @property
    def score(self) -> Estimate | None:
        """The mean cost over the seeds that trained; None where none has."""
        return loss_interval([row.score for row in self.trained]) if self.trained else None

    @property
    def failed(self) -> Share:
        return share_of(len(self.rows) - len(self.trained), len(self.rows))

    @property
    def crashed(self) -> int:
        return sum(row.member.crashed for row in self.rows)


@dataclass(frozen=True)
class Judged:
    """``difference`` is the candidate's mean cost less the baseline's, above 0 where it is worse; None where one of
    them did not train.
    """

    worse: bool
    why: str
    difference: Estimate | None
    allowed: float


def judge(baseline: Side, candidate: Side, tolerance: float | None = None) -> Judged:
    """Whether the candidate is worse than the baseline.

    It is where it crashed and the baseline did not, where it surely fails for more seeds, and where the whole interval
    of the difference of the losses lies above what is allowed.

    Args:
        tolerance: share of the baseline's loss by which the candidate's may be higher. None allows what counts as equal
            everywhere in a report: 1% of it, or a thousandth of what training gained. With a tolerance a baseline of
            one or two seeds will do, and then the means decide.

    Raises:
        InputError: the baseline has fewer than three seeds that trained, and no tolerance is given; nothing in it has
            trained; or the two have no loss or no data in common.
    """
    check_comparable(baseline, candidate, tolerance)
    assert baseline.score is not None
    allowed = _allowed(baseline, tolerance)
    if candidate.crashed and not baseline.crashed:
        reason = next(row.member.why for row in candidate.rows if row.member.crashed)
        return Judged(True, f"{candidate.crashed} of {len(candidate.rows)} crashed: {reason}", None, allowed)
    if candidate.score is None:
        return Judged(True, f"none of {len(candidate.rows)} trained: {_verdicts(candidate)}", None, allowed)
    difference = _difference(baseline, candidate)
    if surely_higher(candidate.failed, baseline.failed):
        words = f"{candidate.failed} failed, {baseline.failed} of the baseline: {_verdicts(candidate)}"
        return Judged(True, words, difference, allowed)
    by_means = baseline.seeds < FEW_SEEDS
    worse = (difference.mean if by_means else difference.low) > allowed
    return Judged(worse, _words(baseline, candidate, difference, allowed, by_means), difference, allowed)


def check_comparable(baseline: Side, candidate: Side, tolerance: float | None) -> None:
    """Raises:
    InputError: see :func:`judge`.
    """
    problems: list[Problem] = []
    found = baseline.seeds
    if not found:
        rule = f"nothing in it has trained ({_verdicts(baseline)})"
        problems.append(Problem("baseline", baseline.setting, rule, "Take one that has."))
    elif found < FEW_SEEDS and tolerance is None:
        rule = f"has {found} {'seed' if found == 1 else 'seeds'} that trained, too few to tell a change from their luck"
        remedy = "Train it with seed=0,1,2,3,4, or say what may be lost: --tolerance 0.1."
        problems.append(Problem("baseline", baseline.setting, rule, remedy))
    if baseline.judge != candidate.judge and candidate.trained:
        rule = f"is judged by {candidate.loss}, the baseline by {baseline.loss}"
        problems.append(Problem("candidate", candidate.setting, rule, "Record the same for both."))
    before, after = _data(baseline), _data(candidate)
    if before and after and not before & after:
        rule = f"was trained on {', '.join(sorted(after))}, the baseline on {', '.join(sorted(before))}"
        problems.append(Problem("candidate", candidate.setting, rule, "Train both on the same data."))
    if problems:
        raise InputError(problems)


def _data(side: Side) -> set[str]:
    params = [row.member.params for row in side.rows]
    return {name for of in params if (name := dataset_name(of.get(MAKER), of.get(DATA))) is not None}


def _allowed(baseline: Side, tolerance: float | None) -> float:
    assert baseline.score is not None
    mean = baseline.score.mean
    if tolerance is not None:
        return tolerance * abs(mean)
    gained = baseline.start - mean
    return max(RELATIVE_TOLERANCE * abs(mean), GAIN_TOLERANCE * gained if math.isfinite(gained) else 0.0)


def _difference(baseline: Side, candidate: Side) -> Estimate:
    pairs = _paired(baseline, candidate)
    if pairs is not None:
        return mean_interval(pairs, CONFIDENCE)
    return difference_interval(_scores(candidate), _scores(baseline), CONFIDENCE)


def _paired(baseline: Side, candidate: Side) -> list[float] | None:
    """The differences by seed; None where the seeds are not the same, or few."""
    first = {row.member.seed: row.score for row in baseline.trained}
    second = {row.member.seed: row.score for row in candidate.trained}
    same = first.keys() == second.keys() and None not in first
    whole = len(first) == len(baseline.trained) and len(second) == len(candidate.trained)
    if not (same and whole) or len(first) < PAIRED_FROM:
        return None
    return [second[seed] - first[seed] for seed in first]


def _scores(side: Side) -> Sequence[float]:
    return [row.score for row in side.trained]


def _verdicts(side: Side) -> str:
    """``3 diverged, 1 collapsed``: what became of those that did not train."""
    trained = {row.member.run_id for row in side.trained}
    words = [row.member.outcome for row in side.rows if row.member.run_id not in trained]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)) or "no loss is recorded"


def _words(baseline: Side, candidate: Side, difference: Estimate, allowed: float, by_means: bool) -> str:
    assert baseline.score is not None and candidate.score is not None
    now, before = (side.judge.value(side.score.mean) for side in (candidate, baseline) if side.score)
    means = f"{candidate.loss} {shown(now)}, of the baseline {shown(before)}"
    seeds = f"{candidate.seeds} and {baseline.seeds} seeds"
    if by_means:
        words = f"{means} ({seeds}: the means alone decide)"
    else:
        sure = f"{CONFIDENCE:.0%} interval {difference.low:+.3g} to {difference.high:+.3g}"
        words = f"{means}: {difference.mean:+.3g}, {sure} ({seeds})"
    words += f"; up to {allowed:+.3g} is allowed"
    if candidate.failed.count > baseline.failed.count:
        words += f". {candidate.failed} failed ({_verdicts(candidate)}), too few to tell them from luck"
    return words
