"""The batches of jobs that a sweeper chooses as it goes: each seen before it is launched, under every launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

Jobs = Sequence[Sequence[str]]
"""The overrides of each job."""

_MAKER = "instantiate_launcher"


def before_each_batch(see: Callable[[Jobs], int]) -> None:
    """Have every batch seen before the launcher of the sweeper that Hydra is about to make gets it.

    Args:
        see: told the jobs of a batch; gives the number of the first. What it raises ends the sweep.
    """
    forget()
    plugins = Plugins.instance()
    make = plugins.instantiate_launcher

    def instantiate_launcher(*args: Any, **kwargs: Any) -> Launcher:
        forget()
        return _Watched(make(*args, **kwargs), see)

    setattr(plugins, _MAKER, instantiate_launcher)


def forget() -> None:
    """Launchers are made as Hydra makes them."""
    vars(Plugins.instance()).pop(_MAKER, None)


class _Watched(Launcher):
    """A launcher whose batches are seen first; all else is its own."""

    def __init__(self, launcher: Launcher, see: Callable[[Jobs], int]) -> None:
        self._launcher = launcher
        self._see = see

    def __getattr__(self, name: str) -> Any:
        return getattr(self._launcher, name)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Jobs, initial_job_idx: int) -> Sequence[JobReturn]:
        """The jobs are numbered from where the batch before ended, whatever the sweeper says: each has a place in the
        sweep's ledger by its number.
        """
        del initial_job_idx
        jobs = [list(job) for job in job_overrides]
        return self._launcher.launch(jobs, initial_job_idx=self._see(jobs))
