"""Launches all jobs of a sweep: what can be stacked, or goes to an engine, is trained first, then Hydra runs each job
as it always does.

A job that was trained so is run too, with a function that returns its result: so it gets its folder, its
``.hydra/*.yaml``, its log and Hydra's callbacks like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from omegaconf import DictConfig, open_dict

from hydra_plugins.hydra_together_launcher.together_launcher import TogetherLauncher
from lrscope.config.engine_options import LOCAL

if TYPE_CHECKING:
    from lrscope.core.job import Job

log = logging.getLogger(__name__)

OWN_TASKS = "lrscope.cli.main"
"""The module of the one task function whose jobs this launcher knows how to stack."""


def launch(
    launcher: TogetherLauncher, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
) -> Sequence[JobReturn]:
    """Run the jobs, numbered from ``initial_job_idx``; what each returned, in their order."""
    setup_globals()
    config, task, context = launcher.config, launcher.task_function, launcher.hydra_context
    assert config is not None and task is not None and context is not None
    here = not _is_own(task) or str(config.sweep.engine) == LOCAL
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    log.info(f"Launching {len(job_overrides)} jobs {'locally' if here else 'on ' + str(config.sweep.engine)}")
    jobs = [
        _composed(launcher, overrides, number) for number, overrides in enumerate(job_overrides, start=initial_job_idx)
    ]
    trained = _trained_elsewhere(jobs) if not here else _trained_together(jobs) if _is_own(task) else {}
    returned: dict[int, JobReturn] = {}
    for place in _order(config, len(jobs)):
        log.info(f"\t#{initial_job_idx + place} : {' '.join(filter_overrides(job_overrides[place]))}")
        returned[place] = run_job(
            task_function=_returning(trained[place]) if place in trained else task if here else _not_begun,
            config=jobs[place],
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=context,
        )
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    return [returned[place] for place in range(len(jobs))]


def _order(config: DictConfig, jobs: int) -> Sequence[int]:
    """Of the jobs: those of a search that stops the worst begin all over the interval."""
    from lrscope.config.schema import HALVES
    from lrscope.search.starting_order import starting_order

    return starting_order(jobs) if "search" in config and config.search.method in HALVES else range(jobs)


def _is_own(task: Any) -> bool:
    return getattr(task, "__module__", None) == OWN_TASKS


def _composed(launcher: TogetherLauncher, overrides: Sequence[str], number: int) -> DictConfig:
    assert launcher.hydra_context is not None and launcher.config is not None
    job = launcher.hydra_context.config_loader.load_sweep_config(launcher.config, list(overrides))
    with open_dict(job):
        job.hydra.job.id = number
        job.hydra.job.num = number
    return job


def _trained_together(jobs: Sequence[DictConfig]) -> Mapping[int, Any]:
    """What lrscope trained as stacks, by the place in ``jobs``."""
    mode = str(jobs[0].sweep.together) if jobs else "never"
    if mode == "never" or len(jobs) < 2:
        return {}
    from lrscope.batched.run.launch import train_together

    return train_together([_prepared(config) for config in jobs], mode)


def _trained_elsewhere(jobs: Sequence[DictConfig]) -> Mapping[int, Any]:
    """What the workers of the sweep's engine trained, by the place in ``jobs``; an error of those that none could."""
    from lrscope.engines.task import LaunchedJob
    from lrscope.engines.train_elsewhere import train_elsewhere

    return train_elsewhere([LaunchedJob(config, *_prepared(config)) for config in jobs])


def _prepared(config: DictConfig) -> tuple[DictConfig, Job]:
    """The config of a job's run, and where its files lie."""
    from lrscope.config.overrides import run_config
    from lrscope.core.job import member_job
    from lrscope.core.ledger import SWEEP, Ledger

    ledger = Ledger(Path(config.hydra.job.env_set[SWEEP]))
    overrides = tuple(str(override) for override in config.hydra.overrides.task)
    return run_config(config, overrides), member_job(ledger, config.hydra.job.num, overrides)


def _returning(result: Any) -> Any:
    def task(_: DictConfig) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return task


def _not_begun(_: DictConfig) -> None:
    """Of a job that no worker had begun when a signal came: the command ends."""
    from lrscope.core.stop_signals import STOP

    STOP.raise_if_requested()
