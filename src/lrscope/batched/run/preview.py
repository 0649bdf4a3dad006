"""What a sweep would do, before it does it: which jobs train as one model, which alone and why, how long, how large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from lrscope.batched.model.stack import CannotStack
from lrscope.batched.run.autotune import choose
from lrscope.batched.run.launch import prepared_runs
from lrscope.batched.run.stack_key import Candidate, stacks, why_not_batched
from lrscope.batched.run.tried_stack import TriedStack, different
from lrscope.core.job import Job
from lrscope.runs.prepare import PreparedRun

ALONE = "no other member differs from it in numbers only"


@dataclass(frozen=True)
class PlannedGroup:
    """Members that would train together, or one by one for the same reason.

    ``updates``: of one member. ``seconds``: of the updates of all of them, without evaluation and recording; None where
    they cannot be timed on a batch. ``bytes_each``: memory of a member while it trains; None where it is not known.
    """

    names: tuple[str, ...]
    together: bool
    why: str
    updates: int
    seconds: float | None
    bytes_each: int | None
    stacks: int = 1
    seconds_of_one: float | None = None
    """Of a stack of one member; None where they do not train together, as the next two."""
    fit: int | None = None
    """How many of them fit into the memory at once."""
    fastest: int | None = None
    """Members of the stacks that are fastest; None for all."""


def preview(jobs: Sequence[tuple[DictConfig, Job]], mode: str, apart: str | None = None) -> tuple[PlannedGroup, ...]:
    """How the jobs of a sweep would be trained. Steps are timed on copies; nothing is kept.

    Args:
        jobs: every job's config and what it is called by.
        mode: ``sweep.together``.
        apart: why no two of them can train together, where the launcher already says so.
    """
    runs = [run for run in prepared_runs(jobs) if run is not None]
    reasons = {number: apart or why_not_batched(run) for number, run in enumerate(runs)}
    candidates = [Candidate(number, run) for number, run in enumerate(runs) if reasons[number] is None]
    stacked = stacks(candidates)
    within = {candidate.number for stack in stacked for candidate in stack}
    reasons |= {candidate.number: ALONE for candidate in candidates if candidate.number not in within}
    alone: dict[tuple[str, int], list[PreparedRun]] = {}
    for number, reason in reasons.items():
        if reason is not None:
            alone.setdefault((reason, runs[number].plan.total_steps), []).append(runs[number])
    together = [_stack([candidate.run for candidate in stack], mode) for stack in stacked]
    return (*together, *(_one_by_one(members, reason) for (reason, _), members in alone.items()))


def _stack(runs: Sequence[PreparedRun], mode: str) -> PlannedGroup:
    try:
        tried = TriedStack.of(*different(runs))
    except CannotStack as cannot:
        return _untimed(runs, str(cannot))
    if (reason := tried.trial.why_not()) is not None:
        return _timed_if_possible(runs, lambda: tried, reason)
    steps, count = runs[0].plan.total_steps, len(runs)
    fit = tried.fit(count)
    choice = choose(tried.trial, count, steps, mode, fit)
    if not choice.together:
        return _timed(runs, tried, choice.words)
    each = tried.bytes_each()
    most = min(fit, choice.most or count)
    pieces = -(-count // most)
    seconds = pieces * tried.trial.together(-(-count // pieces)) * steps
    return PlannedGroup(
        tuple(run.name for run in runs),
        True,
        choice.words,
        steps,
        seconds,
        each,
        pieces,
        tried.trial.together(1) * steps,
        fit,
        choice.most,
    )


def _one_by_one(runs: Sequence[PreparedRun], why: str) -> PlannedGroup:
    if runs[0].source.data is None:
        return _untimed(runs, why)
    return _timed_if_possible(runs, lambda: TriedStack.of(runs[0]), why)


def _timed_if_possible(runs: Sequence[PreparedRun], tried: Callable[[], TriedStack], why: str) -> PlannedGroup:
    try:
        return _timed(runs, tried(), why)
    except Exception:  # of a user's part, which its own run has a record of
        return _untimed(runs, why)


def _untimed(runs: Sequence[PreparedRun], why: str) -> PlannedGroup:
    return PlannedGroup(tuple(run.name for run in runs), False, why, runs[0].plan.total_steps, None, None)


def _timed(runs: Sequence[PreparedRun], tried: TriedStack, why: str) -> PlannedGroup:
    steps = runs[0].plan.total_steps
    seconds = tried.trial.seconds_alone() * steps * len(runs)
    return PlannedGroup(tuple(run.name for run in runs), False, why, steps, seconds, tried.bytes_each())
