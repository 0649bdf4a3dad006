"""Launches all jobs of a sweep: what can be stacked is trained first, then Hydra runs each job as it always does.

A job that was trained in a stack is run too, with a function that returns its result: so it gets its folder, its
``.hydra/*.yaml``, its log and Hydra's callbacks like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from omegaconf import DictConfig, open_dict

from hydra_plugins.hydra_together_launcher.together_launcher import TogetherLauncher

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
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    log.info(f"Launching {len(job_overrides)} jobs locally")
    jobs = [
        _composed(launcher, overrides, number) for number, overrides in enumerate(job_overrides, start=initial_job_idx)
    ]
    trained = _trained_together(jobs) if getattr(task, "__module__", None) == OWN_TASKS else {}
    returned = []
    for place, (job, overrides) in enumerate(zip(jobs, job_overrides, strict=True)):
        log.info(f"\t#{initial_job_idx + place} : {' '.join(filter_overrides(overrides))}")
        result = run_job(
            task_function=_returning(trained[place]) if place in trained else task,
            config=job,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=context,
        )
        returned.append(result)
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    return returned


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
    from lrscope.config.overrides import run_config
    from lrscope.core.job import member_job
    from lrscope.core.ledger import SWEEP, Ledger

    prepared = []
    for config in jobs:
        ledger = Ledger(Path(config.hydra.job.env_set[SWEEP]))
        overrides = tuple(str(override) for override in config.hydra.overrides.task)
        prepared.append((run_config(config, overrides), member_job(ledger, config.hydra.job.num, overrides)))
    return train_together(prepared, mode)


def _returning(result: Any) -> Any:
    def task(_: DictConfig) -> Any:
        return result

    return task
