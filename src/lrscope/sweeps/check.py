"""Every problem of every job, found before the first one trains."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrscope.config.given_paths import OF_DATASET as FILES
from lrscope.config.group_options import several_options, without_class
from lrscope.config.in_vain import typed_in_vain
from lrscope.config.schema import Config
from lrscope.config.typed_secrets import secrets_typed_for_hydra
from lrscope.config.validate import check
from lrscope.core.errors import InputError, Problem
from lrscope.core.fingerprint import fingerprint
from lrscope.sweeps.build_check import BuildCheck
from lrscope.sweeps.data_check import NEEDS as DATA_NEEDS
from lrscope.sweeps.expand import as_of_intervals
from lrscope.sweeps.no_effect import idle_axes

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.sweeps.plan import Plan, PlannedJob


def check_plan(planned: Plan, chosen: bool = False) -> None:
    """Check all jobs of a sweep.

    Args:
        chosen: by a sweeper, which may well choose the same again.

    Raises:
        InputError: with the problems of all jobs, each once.
    """
    twins = [] if chosen else _twins(planned.jobs)
    typed = [job.overrides for job in planned.jobs]
    try:
        raise_problems([job.cfg for job in planned.jobs], [*planned.problems, *twins], typed)
    except InputError as error:
        raise InputError(as_of_intervals(error.problems, planned.spans)) from None


def raise_problems(
    cfgs: Sequence[DictConfig], found: Sequence[Problem] = (), typed: Sequence[Sequence[str]] = ()
) -> None:
    """Check configs on paper first, then the tracking store, then against data, model, optimizer, schedule, device.

    A lone run with a problem on paper is told at once; a sweep is told everything, which takes the time of loading
    torch and the data.

    Args:
        found: problems that are known already.
        typed: the overrides of each config, as the user wrote them.

    Raises:
        InputError: with all problems of all of them, each once.
    """
    on_paper = [check(cfg) for cfg in cfgs]
    runs = list(zip(cfgs, typed or [()] * len(cfgs), strict=True))
    in_vain = [*typed_in_vain(runs)]
    in_vain += [problem for words in typed for problem in (*several_options(words), *without_class(words))]
    problems = [*found, *in_vain, *_ask_environment(cfgs), *(problem for some in on_paper for problem in some)]
    if not problems or len(cfgs) > 1:
        if unreachable := _ask_stores(cfgs):
            raise InputError(tuple(dict.fromkeys([*problems, *unreachable])))
        usable = [cfg for cfg, some in zip(cfgs, on_paper, strict=True) if not some]
        if len(usable) > 1 and usable[0].resume is None:  # one that is resumed was begun: it is to be finished
            idle = idle_axes(usable)
            told = {problem.key for problem in idle}
            others = [problem for problem in problems if problem not in in_vain or problem.key not in told]
            problems, usable = others + idle, usable[: 1 if idle else None]
        mended = [_mended(cfg, some) for cfg, some in zip(cfgs, on_paper, strict=True) if some]
        build = BuildCheck()
        problems += build.problems([*usable, *(cfg for cfg in mended if not check(cfg))])
        on_data = ((build.on_data(cfg), words) for cfg, words in runs)
        problems += typed_in_vain(((run, words) for run, words in on_data if run is not None), DATA_NEEDS)
        if not problems and (notes := build.notes()):
            print(*notes, sep="\n", flush=True)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))


def secrets_of_hydra(config: DictConfig) -> list[Problem]:
    """Passwords in Hydra's own part of a whole config, which it would write to disk as well."""
    from omegaconf import OmegaConf

    raw: Any = OmegaConf.to_container(config.hydra, resolve=False)
    return [*secrets_typed_for_hydra(raw)]


def _twins(jobs: Sequence[PlannedJob]) -> list[Problem]:
    """Members of a sweep with the same config: the second would repeat the first."""
    from omegaconf import OmegaConf

    seen: dict[str, int] = {}
    problems = []
    for number, job in enumerate(jobs):
        if not job.whole:
            continue
        tree: Any = OmegaConf.to_container(job.cfg, resolve=False)
        first = seen.setdefault(f"{fingerprint(tree)} {_files(tree)}", number)
        if first != number:
            one, other = " ".join(jobs[first].overrides), " ".join(job.overrides)
            rule = f"members {first} and {number} of the sweep have the same config"
            rule += f" (the second as {other})" if other != one else ""
            problems.append(Problem(one, "", rule, "Leave one of them out."))
    return problems


def _files(tree: Mapping[str, Any]) -> list[Any]:
    """The files of the data: where they lie changes no result, unless several are given to one sweep."""
    return [tree["dataset"].get(key) for key in FILES]


def _ask_environment(cfgs: Iterable[DictConfig]) -> list[Problem]:
    from omegaconf import OmegaConf

    from lrscope.tracking.environment import environment_problems

    recorded = (cfg for cfg in cfgs if "tracking" in cfg and cfg.tracking.mode != "off")
    return [
        problem
        for cfg in recorded
        for problem in environment_problems(
            not OmegaConf.is_interpolation(cfg, "experiment_name"), cfg.get("resume"), cfg.tracking.system_metrics
        )
    ]


def _ask_stores(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """What keeps runs from being recorded. It is asked before torch and the data are loaded, to be told within 5 s."""
    from lrscope.runs.shared_session import settings_of
    from lrscope.tracking.mlflow_store.address import resolve_uri
    from lrscope.tracking.mlflow_store.may_write import check_may_write
    from lrscope.tracking.mlflow_store.reach import check_reachable

    problems: list[Problem] = []
    for settings, experiment in dict.fromkeys((settings_of(cfg), str(cfg.experiment_name)) for cfg in cfgs):
        if settings.mode != "online":
            continue
        try:
            check_reachable(resolve_uri(settings.uri))
            check_may_write(resolve_uri(settings.uri), experiment)
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
