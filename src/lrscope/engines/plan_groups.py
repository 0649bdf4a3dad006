"""Which members of a sweep are one group, and what it is estimated to take: planned before any worker starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lrscope.batched.model.stack import CannotStack
from lrscope.batched.run.launch import chosen, prepared_runs, was_stacked
from lrscope.batched.run.stack_key import Candidate, stacks, why_not_batched
from lrscope.batched.run.tried_stack import TriedStack, different
from lrscope.config.schema import HALVES
from lrscope.core.outcome import Outcome
from lrscope.engines.cut import Unit
from lrscope.engines.task import LaunchedJob
from lrscope.runs.resume import finished_before
from lrscope.search.starting_order import starting_order


def plan_units(jobs: Sequence[LaunchedJob], mode: str, sharing: int) -> tuple[dict[int, Outcome], list[Unit]]:
    """The jobs that an earlier command finished, with their outcomes, and the units that the others form.

    Args:
        mode: ``sweep.together``.
        sharing: how many workers share this machine's memory.
    """
    done: dict[int, Outcome] = {}
    singles: list[Unit] = []
    candidates: list[Candidate] = []
    reasons: Counter[str] = Counter()
    for place, run in enumerate(prepared_runs([(job.cfg, job.job) for job in jobs])):
        if run is not None and (before := finished_before(run)) is not None:
            done[place] = before
            continue
        reason = why_not_batched(run) if run is not None and mode != "never" else ""
        if reason is None and run is not None:
            candidates.append(Candidate(place, run))
            continue
        singles.append(Unit((place,), False))
        if reason:
            reasons[reason] += 1
    for reason, count in reasons.items():
        print(f"{count} {'member trains' if count == 1 else 'members train'} one by one: {reason}", flush=True)
    units = [unit for stack in stacks(candidates, was_stacked) for unit in _units(stack, mode, sharing)]
    within = {number for unit in units for number in unit.numbers}
    left = [Unit((candidate.number,), False) for candidate in candidates if candidate.number not in within]
    alone = sorted([*left, *singles], key=lambda unit: unit.numbers)
    order = starting_order(len(alone)) if jobs[0].cfg.search.method in HALVES else range(len(alone))
    return done, [*units, *(alone[place] for place in order)]


def _units(stack: Sequence[Candidate], mode: str, sharing: int) -> list[Unit]:
    """One unit of a stack; one of each member where they are better off one by one."""
    numbers = tuple(candidate.number for candidate in stack)
    try:
        tried = TriedStack.of(*different([candidate.run for candidate in stack]))
        reason = tried.trial.why_not()
        if reason is None:
            fit = tried.fit(len(stack), sharing)
            choice = chosen(stack, tried.trial, mode, fit)
            if choice.together:
                return [_stacked(numbers, tried, stack[0].run.plan.total_steps, min(fit, choice.most or fit))]
        else:
            print(f"{len(stack)} members train one by one: {reason}", flush=True)
    except CannotStack as cannot:
        print(f"{len(stack)} members train one by one: {cannot}", flush=True)
    except Exception as error:  # of a user's part: whoever fails alone has a record that says so
        print(f"{len(stack)} members train one by one: trying them together failed ({error!r:.300})", flush=True)
    return [Unit((number,), False) for number in numbers]


def _stacked(numbers: tuple[int, ...], tried: TriedStack, steps: int, most: int) -> Unit:
    count = min(len(numbers), most)
    one, many = tried.trial.together(1) * steps, tried.trial.together(count) * steps
    slope = max(0.0, many - one) / max(1, count - 1)
    return Unit(numbers, True, one, one + slope * (len(numbers) - 1), most)
