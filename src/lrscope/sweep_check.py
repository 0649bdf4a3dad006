"""Every problem of every job, found before the first one trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lrscope.config import check
from lrscope.errors import InputError, Problem
from lrscope.identity import fingerprint

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.build import Source


def raise_problems(cfgs: Sequence[DictConfig]) -> None:
    """Check configs on paper first, then against data, model, optimizer, schedule and accelerator.

    Raises:
        InputError: with all problems of all of them, each once.
    """
    problems = [problem for cfg in cfgs for problem in check(cfg)]
    problems += _twins(cfgs)
    if not problems:
        problems = _in_practice(cfgs)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))


def _twins(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """Members of a sweep with the same config: the second would repeat the first."""
    from omegaconf import OmegaConf

    seen: dict[str, int] = {}
    problems = []
    for number, cfg in enumerate(cfgs):
        tree: Any = OmegaConf.to_container(cfg, resolve=False)
        tree |= {"lr": cfg.lr}
        first = seen.setdefault(fingerprint(tree), number)
        if first != number:
            problems.append(
                Problem(
                    "lr",
                    f"{cfg.lr:g}",
                    f"members {first} and {number} of the sweep have the same config",
                    "Leave one of them out.",
                )
            )
    return problems


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
        if source is not None and parts not in built:
            built.add(parts)
            problems += _parts(cfg, source)
    return problems


def _source(cfg: DictConfig, problems: list[Problem]) -> Source | None:
    from lrscope import build

    try:
        return build.source(cfg)
    except InputError as error:
        problems += error.problems
        return None


def _parts(cfg: DictConfig, source: Source) -> list[Problem]:
    """Try out model, optimizer, schedule and trainer of one config; the config itself is left as it is."""
    import copy

    from lrscope import build
    from lrscope.solo import make_trainer

    cfg = copy.deepcopy(cfg)
    build.fill_steps(cfg, source.steps_per_epoch)
    problems: list[Problem] = []
    try:
        network = build.network(cfg, source.data)
        build.schedule(cfg, build.optimizer(cfg, network.parameters()))
    except InputError as error:
        problems += error.problems
    try:
        make_trainer(cfg)
    except InputError as error:
        problems += error.problems
    return problems


def _key(*parts: Any) -> str:
    from omegaconf import OmegaConf

    return repr([OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part for part in parts])
