"""The jobs of a sweep, composed before Hydra launches any."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from omegaconf import DictConfig

from lrscope.config.explain import REFUSALS, Compose, explain, key_of
from lrscope.config.overrides import run_config
from lrscope.core.errors import Problem
from lrscope.core.job import overrides_as_typed
from lrscope.search.study import require_optuna
from lrscope.sweeps.expand import expand, proposes_as_it_goes, searched, spans
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
    searched: tuple[str, ...] = ()
    """The keys that were given as intervals, and are searched."""
    spans: tuple[str, ...] = ()
    """These intervals as typed, ``lr=interval(1e-5,10)``."""

    def with_more(self, other: Plan) -> Plan:
        """The jobs of both, as of one sweep."""
        jobs = (*self.jobs, *other.jobs)
        axes, problems = _axes(job.overrides for job in jobs), (*self.problems, *other.problems)
        return Plan(jobs, axes, problems, self.searched, self.spans)


def plan(config: DictConfig) -> Plan | None:
    """Expand and compose all jobs of a multirun's config; None for a sweeper that chooses its jobs as it goes.

    From here on Hydra composes them fast too, see :mod:`lrscope.sweeps.compose`.
    """
    from lrscope.sweeps.compose import JobComposer

    loader = _loader()
    loader.load_sweep_config = JobComposer(loader).load_sweep_config
    str(config.hydra.sweep.dir)  # resolved here once: every job would have a time of its own in it
    kind = _kind(config.hydra.sweeper)
    given = typed_for_sweep(config)
    if kind == SEARCH and proposes_as_it_goes(given, config):
        require_optuna()
        return None
    if kind not in (BASIC, SEARCH):
        return None
    how = config.search if kind == SEARCH else None
    return plan_jobs(given, lambda overrides: loader.load_sweep_config(config, overrides), loader, how)


def typed_for_sweep(config: DictConfig) -> list[str]:
    """The overrides that a sweeper expands: those of its own config, and those that were typed."""
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    return [*given, *overrides_as_typed(config.hydra)]


def plan_batch(config: DictConfig, jobs: Sequence[Sequence[str]], first: int) -> Plan:
    """Compose the jobs that a sweeper is about to launch.

    Args:
        jobs: the overrides of each.
        first: the number of the first.
    """
    loader = _loader()
    made = _composed(jobs, lambda overrides: loader.load_sweep_config(config, overrides), loader, first)
    return replace(made, searched=searched(typed_for_sweep(config)) if _kind(config.hydra.sweeper) == SEARCH else ())


def plan_jobs(overrides: Sequence[str], compose: Compose, loader: Any, search: Any) -> Plan:
    """Expand overrides into jobs as the sweeper does, and compose each.

    Args:
        compose: the whole config of one job's overrides.
        loader: Hydra's config loader.
        search: how intervals are searched; None where the sweeper takes none.
    """
    problems: list[Problem] = []
    expanded = expand(overrides, problems, compose, loader, search)
    composed = _composed(expanded, compose, loader, 0, problems, whole_sweep=True)
    return replace(composed, searched=searched(overrides), spans=spans(overrides))


def _composed(
    jobs: Sequence[Sequence[str]],
    compose: Compose,
    loader: Any,
    first: int,
    found: Sequence[Problem] = (),
    whole_sweep: bool = False,
) -> Plan:
    problems, planned = list(found), []
    for number, job in enumerate(jobs, start=first):
        try:
            composed, whole = compose(list(job)), True
            problems += _sweeps_by_itself(job, composed) if whole_sweep else ()
        except REFUSALS:
            explained = explain(job, compose, loader.get_group_options)
            problems += explained.problems
            composed, whole = explained.cfg, False
        planned.append(PlannedJob(tuple(job), run_config(composed, job), whole, job_folder(composed, number)))
    return Plan(tuple(planned), _axes(jobs), tuple(dict.fromkeys(problems)))


def _sweeps_by_itself(job: Sequence[str], composed: DictConfig) -> Iterator[Problem]:
    """An option that a sweep goes over and that has values to sweep over itself, as the studies do: nothing would."""
    params = composed.hydra.sweeper.get("params") or {}
    left = [str(key) for key in params if key not in {key_of(word) for word in job}]
    if left:
        word = next((word for word in job if key_of(word) == "experiment"), job[0] if job else "")
        rule = f"sweeps over {', '.join(left)} by itself, and cannot be a member of another sweep"
        yield Problem(key_of(word), word.partition("=")[2], rule, f"Start a sweep of its own: -m {word}.")


def _loader() -> Any:
    from hydra.core.global_hydra import GlobalHydra

    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.config_loader


BASIC = f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}"
SEARCH = "hydra_plugins.hydra_search_sweeper.search_sweeper.SearchSweeper"
"""The sweepers that expand all their jobs before they launch any: Hydra's own, and lrscope's."""


def _kind(sweeper: DictConfig) -> str:
    """The full name of a sweeper's class."""
    try:
        kind = pkgutil.resolve_name(str(sweeper.get("_target_")))
    except (ImportError, AttributeError, ValueError):
        return ""  # Hydra says what is wrong with it
    # By its name: where this module was imported before Hydra looked for plugins, Hydra has made the class once more.
    return f"{kind.__module__}.{getattr(kind, '__qualname__', '')}"


def _axes(jobs: Iterable[Sequence[str]]) -> tuple[str, ...]:
    values: dict[str, set[str]] = {}
    for overrides in jobs:
        for override in overrides:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), set()).add(value)
    return tuple(key for key, seen in values.items() if len(seen) > 1)
