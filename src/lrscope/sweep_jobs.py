"""The jobs of a sweep, composed before Hydra launches any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from lrscope.errors import InputError, Problem


@dataclass(frozen=True)
class PlannedJob:
    """One member as it will be launched: its overrides as typed, and the config they compose to."""

    overrides: tuple[str, ...]
    cfg: DictConfig


@dataclass(frozen=True)
class Plan:
    """``axes`` are the keys that vary, in the order in which they were given."""

    jobs: tuple[PlannedJob, ...]
    axes: tuple[str, ...]


def plan(config: DictConfig) -> Plan | None:
    """Expand and compose all jobs of a multirun's config; None for a sweeper that chooses its jobs as it goes.

    Raises:
        InputError: with the problems of every job that does not compose.
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if not str(config.hydra.sweeper.get("_target_", "")).endswith(".BasicSweeper"):
        return None
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    loader = hydra.config_loader
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    given += [str(override) for override in config.hydra.overrides.task]
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(given)
    batches = BasicSweeper.split_arguments(parsed, None)
    jobs, problems = [], []
    for overrides in batches[0]:
        try:
            cfg = loader.load_sweep_config(config, list(overrides))
        except Exception as error:
            problems.append(_problem(overrides, error))
            continue
        jobs.append(PlannedJob(tuple(overrides), _task_part(cfg)))
    if problems:
        from lrscope.config import check

        raise InputError((*dict.fromkeys(problems), *dict.fromkeys(p for job in jobs for p in check(job.cfg))))
    return Plan(tuple(jobs), _axes(batches[0]))


def _axes(jobs: list[list[str]]) -> tuple[str, ...]:
    values: dict[str, set[str]] = {}
    for overrides in jobs:
        for override in overrides:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), set()).add(value)
    return tuple(key for key, seen in values.items() if len(seen) > 1)


def _task_part(cfg: DictConfig) -> DictConfig:
    tree = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    assert isinstance(tree, DictConfig)
    return tree


def _problem(overrides: list[str], error: Exception) -> Problem:
    """What Hydra says of an override that it refuses, in one line: the key, the value, the rule."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    full_key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key")), "")
    blamed = next((o for o in overrides if o in lines[0] or o.partition("=")[0].lstrip("+~") == full_key), "")
    key, _, value = (blamed or overrides[0]).partition("=")
    cause = error.__cause__
    rule = str(cause).splitlines()[0] if cause is not None and str(cause) else ""
    rule = rule or next((line for line in lines if not line.startswith(("Error merging", "full_key"))), lines[0])
    options = [line for line in lines if line.startswith("'") or "Available options" in line]
    remedy = " ".join(lines[lines.index(options[0]) :]) if options and options[0] in lines else ""
    return Problem(
        key.lstrip("+~"), value, rule.rstrip(". "), remedy or "`python train.py --help` shows what there is."
    )


def words_of(overrides: Any) -> tuple[str, ...]:
    """Overrides as they were typed."""
    return tuple(str(override) for override in overrides)
