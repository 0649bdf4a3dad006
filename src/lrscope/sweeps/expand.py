"""The overrides of a sweep as jobs: lists by Hydra's own grammar, of intervals the points that a search tries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, ValueType
from hydra.errors import OverrideParseException

from lrscope.config.explain import REFUSALS, Compose, refusal
from lrscope.core.errors import InputError, Problem
from lrscope.search.interval import Interval
from lrscope.search.propose import Point, propose

ONE_BY_ONE = "Write the values one by one: lr=1,0.1,0.01."
TAGS = ("log", "linear")
WHOLE = "must be a whole number"


def expand(
    overrides: Sequence[str], problems: list[Problem], compose: Compose, loader: Any, search: Any
) -> list[list[str]]:
    """One list of overrides a job; those that cannot be read become problems and are left out.

    Args:
        compose: the whole config of one job's overrides.
        loader: Hydra's config loader, which knows the options that a ``glob()`` stands for.
        search: how intervals are searched; None where the sweeper takes none.

    Raises:
        InputError: there is no job.
    """
    parsed = _parsed(overrides, problems, compose, loader)
    try:
        jobs = [list(job) for job in jobs_of(parsed, search)]
    except InputError as error:
        raise InputError([*problems, *error.problems]) from error
    except REFUSALS as error:
        raise InputError([*problems, Problem("sweep", " ".join(overrides), str(error), ONE_BY_ONE)]) from error
    if not jobs:
        raise InputError([*problems, Problem("sweep", " ".join(overrides), "has no members", ONE_BY_ONE)])
    return jobs


def jobs_of(overrides: Sequence[Override], search: Any) -> list[list[str]]:
    """Every combination of the listed values with every point of the intervals.

    Args:
        search: how intervals are searched; None refuses them.

    Raises:
        InputError: an interval that cannot be searched.
    """
    spans = [override for override in overrides if override.is_interval_sweep()]
    listed = combinations(overrides)
    if not spans:
        return listed
    if search is None:
        rule, remedy = "this sweeper searches no interval", "Leave hydra/sweeper out, or choose hydra/sweeper=search."
        raise InputError([Problem(o.key_or_group, _value(o), rule, remedy) for o in spans])
    points = propose(
        intervals(spans), str(search.method), int(search.trials), max(int(search.seed), 0)
    )  # checked later
    return [job for jobs in by_seed(listed) for job in joined(jobs, points)]


def combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """Every combination of the listed values, intervals left out."""
    listed = [override for override in overrides if not override.is_interval_sweep()]
    found: list[list[list[str]]] = BasicSweeper.split_arguments(listed, None)
    return found[0]


def by_seed(jobs: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Jobs that differ in their seed alone stand together: they are repeats, and each group is a search of its own."""
    groups: dict[tuple[str, ...], list[list[str]]] = {}
    for job in jobs:
        groups.setdefault(tuple(word for word in job if not word.startswith("seed=")), []).append(list(job))
    return list(groups.values())


def joined(jobs: Sequence[Sequence[str]], points: Sequence[Point]) -> list[list[str]]:
    """Every point with every job. The points come first: a sweep is named by what it searches."""
    return [[*point, *job] for point in points for job in jobs]


def intervals(overrides: Sequence[Override]) -> list[Interval]:
    """What these overrides search.

    Raises:
        InputError: one is empty, or searched in a way that it has not.
    """
    problems = [problem for override in overrides if (problem := _problem(override)) is not None]
    if problems:
        raise InputError(problems)
    return [_interval(override) for override in overrides]


def searched(overrides: Sequence[str]) -> tuple[str, ...]:
    """The keys that are given as intervals."""
    return tuple(o.key_or_group for o in _readable(overrides) if o.is_interval_sweep())


def spans(overrides: Sequence[str]) -> tuple[str, ...]:
    """The intervals as typed."""
    return tuple(str(o.input_line).lstrip("+") for o in _readable(overrides) if o.is_interval_sweep())


def as_of_intervals(problems: Sequence[Problem], spans: Sequence[str]) -> list[Problem]:
    """Where an interval goes over whole numbers, it is told once and not of each number that it gives."""
    typed = dict(span.split("=", 1) for span in spans)
    found: dict[Problem, None] = {}
    for problem in problems:
        if problem.rule == WHOLE and problem.key in typed:
            key, value = problem.key, typed[problem.key]
            low, high = (int(float(end)) for end in re.findall(r"interval\((.+?),(.+?)\)", value)[0])
            remedy = f"Write {key}=int({value}) to search them, or {key}=range({low},{high + 1}) to train each."
            problem = Problem(key, value, f"{WHOLE}, and an interval gives those between as well", remedy)
        found[problem] = None
    return list(found)


def proposes_as_it_goes(overrides: Sequence[str], config: Any) -> bool:
    """Whether which points are tried depends on what others come to."""
    return "search" in config and str(config.search.method) == "tpe" and bool(searched(overrides))


def _interval(override: Override) -> Interval:
    span = override.value()
    assert isinstance(span, IntervalSweep)
    whole = isinstance(span.start, int) and isinstance(span.end, int)
    log = ("log" in span.tags) if span.tags else None
    assert span.start is not None and span.end is not None
    return Interval.of(override.get_key_element(), span.start, span.end, whole, log)


def _problem(override: Override) -> Problem | None:
    span = override.value()
    assert isinstance(span, IntervalSweep)
    key, value = override.key_or_group, _value(override)
    low, high = span.start, span.end
    if low is None or high is None or not low < high or high - low == float("inf"):
        return Problem(key, value, "an interval goes from a number to a higher one", f"Try {key}=interval(1e-5,10).")
    if foreign := [tag for tag in span.tags if tag not in TAGS]:
        rule = f"{', '.join(sorted(foreign))} is no way to search an interval"
        return Problem(key, value, rule, f"Write tag(log,interval({low:g},{high:g})), linear, or no tag.")
    if "log" in span.tags and low <= 0:
        return Problem(key, value, "a logarithm needs numbers above 0", "Raise the lower end, or leave the tag out.")
    return None


def _value(override: Override) -> str:
    return str(override.input_line).partition("=")[2]


def _readable(overrides: Sequence[str]) -> list[Override]:
    parser, found = OverridesParser.create(), []
    for override in overrides:
        if "interval" in override:
            try:
                found += parser.parse_overrides([override])
            except OverrideParseException:
                continue  # whoever expands it says so
    return [override for override in found if override.value_type is ValueType.INTERVAL_SWEEP]


def _parsed(overrides: Sequence[str], problems: list[Problem], compose: Compose, loader: Any) -> list[Override]:
    parser = OverridesParser.create(config_loader=loader)
    parsed: list[Override] = []
    for override in overrides:
        try:
            parsed += parser.parse_overrides([override])
        except OverrideParseException as error:
            problems.append(refusal(override, error, compose([])))
    return parsed
