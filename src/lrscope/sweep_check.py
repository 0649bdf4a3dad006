"""Every problem of every job, found before the first one trains."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lrscope.config import Config
from lrscope.config_check import check
from lrscope.errors import InputError, Problem
from lrscope.identity import fingerprint

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.build import Source
    from lrscope.sweep_jobs import Plan, PlannedJob


def check_plan(planned: Plan) -> None:
    """Check all jobs of a sweep.

    Raises:
        InputError: with the problems of all jobs, each once.
    """
    raise_problems([job.cfg for job in planned.jobs], [*planned.problems, *_twins(planned.jobs)])


def raise_problems(cfgs: Sequence[DictConfig], found: Sequence[Problem] = ()) -> None:
    """Check configs on paper first, then the tracking store, then against data, model, optimizer, schedule, device.

    A lone run with a problem on paper is told at once; a sweep is told everything, which takes the time of loading
    torch and the data.

    Args:
        found: problems that are known already.

    Raises:
        InputError: with all problems of all of them, each once.
    """
    on_paper = [check(cfg) for cfg in cfgs]
    problems = [*found, *(problem for some in on_paper for problem in some)]
    if not problems or len(cfgs) > 1:
        if unreachable := _ask_stores(cfgs):
            raise InputError(tuple(dict.fromkeys([*problems, *unreachable])))
        mended = [_mended(cfg, some) for cfg, some in zip(cfgs, on_paper, strict=True)]
        problems += _in_practice([cfg for cfg in mended if not check(cfg)])
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))


def _twins(jobs: Sequence[PlannedJob]) -> list[Problem]:
    """Members of a sweep with the same config: the second would repeat the first."""
    from omegaconf import OmegaConf

    seen: dict[str, int] = {}
    problems = []
    for number, job in enumerate(jobs):
        if not job.whole:
            continue
        tree: Any = OmegaConf.to_container(job.cfg, resolve=False)
        first = seen.setdefault(fingerprint(tree), number)
        if first != number:
            one, other = " ".join(jobs[first].overrides), " ".join(job.overrides)
            rule = f"members {first} and {number} of the sweep have the same config"
            rule += f" (the second as {other})" if other != one else ""
            problems.append(Problem(one, "", rule, "Leave one of them out."))
    return problems


def _ask_stores(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """What keeps runs from being recorded. It is asked before torch and the data are loaded, to be told within 5 s."""
    from lrscope.sessions import settings_of
    from lrscope.tracking.address import resolve_uri
    from lrscope.tracking.reach import check_reachable

    problems: list[Problem] = []
    for settings in dict.fromkeys(settings_of(cfg) for cfg in cfgs):
        if settings.mode != "online":
            continue
        try:
            check_reachable(resolve_uri(settings.uri))
        except InputError as error:
            problems += error.problems
    return problems


def _mended(cfg: DictConfig, problems: Iterable[Problem]) -> DictConfig:
    """The config with the default wherever it has a problem on paper, so that the rest of it can be tried out."""
    from dataclasses import fields

    defaults = {field.name: field.default for field in fields(Config)}
    mended = copy.deepcopy(cfg)
    for problem in problems:
        if problem.key in defaults and problem.key in mended:
            mended[problem.key] = defaults[problem.key]
    return mended


def _in_practice(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """Load the data and build each part once; equal parts of many members are built once."""
    problems: list[Problem] = []
    sources: dict[str, Source | None] = {}
    built: set[str] = set()
    for cfg in cfgs:
        key = _key(cfg.dataset, cfg.batch_size, cfg.trainer)
        if key not in sources:
            sources[key] = _source(cfg, problems)
        source = sources[key]
        parts = _key(cfg.dataset, cfg.model, cfg.optimizer, cfg.scheduler, cfg.trainer, cfg.epochs, cfg.batch_size)
        if parts not in built:
            built.add(parts)
            problems += _parts(cfg, source)
    return problems


def _source(cfg: DictConfig, problems: list[Problem]) -> Source | None:
    from lrscope import build

    try:
        return build.source(cfg)
    except InputError as error:
        problems += error.problems
        if any(problem.key != "batch_size" for problem in error.problems):
            return None
    cfg = copy.deepcopy(cfg)
    cfg.batch_size = None  # the data is there: the other parts can be held against it
    return build.source(cfg)


def _parts(cfg: DictConfig, source: Source | None) -> list[Problem]:
    """Try out trainer, model, optimizer and schedule of one config; the config itself is left as it is."""
    from lrscope import build
    from lrscope.solo import make_trainer

    problems: list[Problem] = []
    try:
        make_trainer(cfg)
    except InputError as error:
        problems += error.problems
    if source is None:
        return problems
    cfg = copy.deepcopy(cfg)
    build.fill_steps(cfg, source.steps_per_epoch)
    problems += _accuracy_of_numbers(cfg, source)
    try:
        network = build.network(cfg, source.described)
        build.schedule(cfg, build.optimizer(cfg, network.parameters()))
        for entry in cfg.callbacks.extra:
            build.callback(entry)
    except InputError as error:
        problems += error.problems
    return problems


def _accuracy_of_numbers(cfg: DictConfig, source: Source) -> list[Problem]:
    """A regression has no accuracy to look at."""
    if source.data is None or source.data.task != "regression":
        return []
    looking = {
        "callbacks.checkpoint.monitor": cfg.callbacks.checkpoint.monitor,
        "callbacks.early_stopping.monitor": cfg.callbacks.early_stopping.monitor,
        "scheduler.monitor": cfg.scheduler.get("monitor"),
    }
    rule = f"the dataset {source.data.name} has numbers to predict, and no accuracy"
    return [Problem(key, name, rule, f"Try {key}=val/loss.") for key, name in looking.items() if name in _ACCURACIES]


_ACCURACIES = ("train/acc", "val/acc")


def _key(*parts: Any) -> str:
    from omegaconf import OmegaConf

    return repr([OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part for part in parts])
