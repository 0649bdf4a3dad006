"""The jobs of a sweep on the engine that ``sweep.engine`` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lrscope.config.engine_options import given_options
from lrscope.core.errors import LrscopeError
from lrscope.core.outcome import Outcome
from lrscope.engines.cut import Group, cut
from lrscope.engines.earlier_workers import once_they_ended
from lrscope.engines.engine import START_S, Engine
from lrscope.engines.plan_groups import plan_units
from lrscope.engines.run_groups import QueuedGroup, run_groups
from lrscope.engines.task import LaunchedJob, Surroundings, Task

WORKERS = {"joblib": 2, "ray": 2, "slurm": 16}
"""Groups under way at one time where ``sweep.workers`` does not say."""


def workers_of(sweep: object) -> int:
    """Of the sweep's part of a config."""
    given = getattr(sweep, "workers", None)
    return int(given) if given is not None else WORKERS[str(sweep.engine)]  # type: ignore[attr-defined]


def sharing_memory(sweep: object) -> int:
    """How many workers share this machine's memory, by the sweep's part of a config; 1 where they are elsewhere."""
    options = given_options(sweep)
    here = {"joblib": True, "ray": options.get("address") is None, "slurm": options.get("cluster") == "local"}
    return workers_of(sweep) if here[str(sweep.engine)] else 1  # type: ignore[attr-defined]


def train_elsewhere(jobs: Sequence[LaunchedJob]) -> dict[int, Outcome | LrscopeError]:
    """Train the jobs on the engine of their sweep.

    Returns:
        By the place in ``jobs``: the outcome, or why no worker could train it. After a signal only of those that had
        begun.

    Raises:
        InputError: the engine does not start.
        Interrupted: a second signal came; the workers are ended.
    """
    cfg, ledger, ticket = jobs[0].cfg, jobs[0].job.ledger, jobs[0].job.ticket
    assert ledger is not None and ticket is not None
    name, workers = str(cfg.sweep.engine), workers_of(cfg.sweep)
    if cfg.resume is not None:
        jobs = once_they_ended(jobs)
    done, units = plan_units(jobs, str(cfg.sweep.together), sharing_memory(cfg.sweep))
    groups = cut(units, workers, START_S[name])
    if not groups:
        return {**done}
    folder = ledger.folder / "workers"
    on_gpus = any(str(job.cfg.trainer.accelerator) != "cpu" for job in jobs)
    engine = _engine(name, min(workers, len(groups)), given_options(cfg.sweep), folder, ticket.local_id, on_gpus)
    try:
        ran = run_groups(_queued(jobs, groups, folder), engine, workers, int(cfg.sweep.retries))
    finally:
        engine.stop()
    return {**done, **ran.failed, **ran.outcomes}


def _queued(jobs: Sequence[LaunchedJob], groups: Sequence[Group], folder: Path) -> list[QueuedGroup]:
    here = Surroundings.of_this_process()
    names = [" ".join(f"{key}={value}" for key, value in job.job.varying.items()) for job in jobs]
    queued = []
    for number, group in enumerate(groups, start=1):
        first = min(jobs[place].composed.hydra.job.num for place in group.numbers)
        task = Task({place: jobs[place] for place in group.numbers}, group.together, folder / f"{first}.log", here)
        queued.append(QueuedGroup(f"group {number} of {len(groups)}", group.shown(names), task))
    return queued


def _engine(name: str, workers: int, options: Mapping[str, Any], folder: Path, sweep: str, on_gpus: bool) -> Engine:
    """The engine of ``sweep.engine``; its library is imported here.

    Args:
        folder: of the sweep, for what the engine keeps.
        sweep: its own id.
        on_gpus: whether members may train on one.

    Raises:
        InputError: it does not start.
    """
    if name == "joblib":
        from lrscope.engines.on_joblib import JoblibEngine

        return JoblibEngine(workers)
    if name == "ray":
        from lrscope.engines.on_ray import RayEngine

        return RayEngine(workers, options, on_gpus)
    from lrscope.engines.on_slurm import SlurmEngine
    from lrscope.engines.slurm_queue import name_of_jobs

    return SlurmEngine(options, folder, name_of_jobs(sweep))
