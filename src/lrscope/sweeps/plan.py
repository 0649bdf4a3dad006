"""The jobs of a sweep, composed before Hydra launches any."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig

from lrscope.config.explain import REFUSALS, Compose, explain, refusal
from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError, Problem
from lrscope.core.job import overrides_as_typed
from lrscope.sweeps.folders import job_folder


@dataclass(frozen=True)
class PlannedJob:
    """One member as it will be launched: its overrides as typed, and the config they compose to.

    Where Hydra refuses some of them, ``whole`` is false and the config is composed without these.
    """

    overrides: tuple[str, ...]
    cfg: DictConfig
    whole: bool = True
    folder: Path | None = None
    """Where Hydra will run it; None where only the launcher can know."""


@dataclass(frozen=True)
class Plan:
    """``axes`` are the keys that vary, in the order in which they were given; ``problems`` what Hydra refuses."""

    jobs: tuple[PlannedJob, ...]
    axes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()

    def with_more(self, other: Plan) -> Plan:
        """The jobs of both, as of one sweep."""
        jobs = (*self.jobs, *other.jobs)
        return Plan(jobs, _axes(job.overrides for job in jobs), (*self.problems, *other.problems))


def plan(config: DictConfig) -> Plan | None:
    """Expand and compose all jobs of a multirun's config; None for a sweeper that chooses its jobs as it goes.

    From here on Hydra composes them fast too, see :mod:`lrscope.sweeps.compose`.
    """
    from lrscope.sweeps.compose import JobComposer

    loader = _loader()
    loader.load_sweep_config = JobComposer(loader).load_sweep_config
    str(config.hydra.sweep.dir)  # resolved here once: every job would have a time of its own in it
    if not _is_basic(config.hydra.sweeper):
        return None
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    given += overrides_as_typed(config.hydra)
    return plan_jobs(given, lambda overrides: loader.load_sweep_config(config, overrides), loader)


def plan_batch(config: DictConfig, jobs: Sequence[Sequence[str]], first: int) -> Plan:
    """Compose the jobs that a sweeper is about to launch.

    Args:
        jobs: the overrides of each.
        first: the number of the first.
    """
    loader = _loader()
    return _composed(jobs, lambda overrides: loader.load_sweep_config(config, overrides), loader, first)


def plan_jobs(overrides: Sequence[str], compose: Compose, loader: Any) -> Plan:
    """Expand overrides into jobs as Hydra's basic sweeper does, and compose each.

    Args:
        compose: the whole config of one job's overrides.
        loader: Hydra's config loader.
    """
    problems: list[Problem] = []
    expanded = _expand(overrides, problems, compose, loader)
    return _composed(expanded, compose, loader, 0, problems)


def _composed(
    jobs: Sequence[Sequence[str]], compose: Compose, loader: Any, first: int, found: Sequence[Problem] = ()
) -> Plan:
    problems, planned = list(found), []
    for number, job in enumerate(jobs, start=first):
        try:
            composed, whole = compose(list(job)), True
        except REFUSALS:
            explained = explain(job, compose, loader.get_group_options)
            problems += explained.problems
            composed, whole = explained.cfg, False
        planned.append(PlannedJob(tuple(job), run_config(composed, job), whole, job_folder(composed, number)))
    return Plan(tuple(planned), _axes(jobs), tuple(dict.fromkeys(problems)))


def _loader() -> Any:
    from hydra.core.global_hydra import GlobalHydra

    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.config_loader


def _is_basic(sweeper: DictConfig) -> bool:
    """Whether a sweeper expands all its jobs before it launches any, as Hydra's own does."""
    try:
        kind = pkgutil.resolve_name(str(sweeper.get("_target_")))
    except (ImportError, AttributeError, ValueError):
        return False  # Hydra says what is wrong with it
    # By its name: where this module was imported before Hydra looked for plugins, Hydra has made the class once more.
    names = [(made.__module__, getattr(made, "__qualname__", "")) for made in (kind, BasicSweeper)]
    return names[0] == names[1]


def _expand(overrides: Sequence[str], problems: list[Problem], compose: Compose, loader: Any) -> list[list[str]]:
    """One list of overrides a job; those that cannot be read become problems and are left out."""
    parser = OverridesParser.create(config_loader=loader)  # it knows the options that a glob() stands for
    parsed = []
    for override in overrides:
        try:
            parsed += parser.parse_overrides([override])
        except OverrideParseException as error:
            problems.append(refusal(override, error, compose([])))
    remedy = "Write the values one by one: lr=1,0.1,0.01."
    try:
        jobs = [list(job) for job in BasicSweeper.split_arguments(parsed, None)[0]]
    except REFUSALS as error:
        raise InputError([*problems, Problem("sweep", " ".join(overrides), str(error), remedy)]) from error
    if not jobs:
        raise InputError([*problems, Problem("sweep", " ".join(overrides), "has no members", remedy)])
    return jobs


def _axes(jobs: Iterable[Sequence[str]]) -> tuple[str, ...]:
    values: dict[str, set[str]] = {}
    for overrides in jobs:
        for override in overrides:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), set()).add(value)
    return tuple(key for key, seen in values.items() if len(seen) > 1)
