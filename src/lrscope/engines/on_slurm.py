"""Jobs of SLURM, by submitit: one job a group. ``cluster: local`` has them as processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.stop_signals import STOP
from lrscope.engines.engine import Handle, Work, WorkerDied

OF_SLURM = ("partition", "account", "qos", "constraint", "setup", "signal_delay_s")
"""Options that only SLURM has; submitit calls them ``slurm_partition`` and so on."""

REQUEUE_S = 60.0
"""How long SLURM may take to end a job that has asked to be queued again."""


class SlurmEngine:
    """Args:
        options: of a job, by submitit's names.
        folder: for the scripts and the logs of the jobs.

    Raises:
        InputError: submitit refuses the options.
    """

    def __init__(self, options: Mapping[str, Any], folder: Path) -> None:
        import submitit

        cluster = str(options.get("cluster", "slurm"))
        self._jobs: list[Any] = []
        given = {"timeout_min": 60, **options}
        given.pop("cluster", None)
        named = {f"slurm_{key}" if key in OF_SLURM else key: value for key, value in given.items()}
        try:
            self._executor = submitit.AutoExecutor(folder=folder / "jobs", cluster=cluster)
            self._executor.update_parameters(name="lrscope", **named)
        except (RuntimeError, ValueError, NameError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(Problem("sweep.engine", "slurm", f"submitit refuses it: {first}", "")) from error

    def submit(self, work: Work, name: str) -> Handle:
        del name
        job = self._executor.submit(Announced(work))
        self._jobs.append(job)
        return _Handle(job)

    def stop(self) -> None:
        for job in self._jobs:
            with suppress(Exception):
                if not job.done():
                    job.cancel()


@dataclass(frozen=True)
class Announced:
    """Work in a job whose end is announced by a signal, for want of time or for another job's sake: then what it trains
    stops after its step, is closed as interrupted, and the job is queued again to go on with it.
    """

    work: Work

    def __call__(self) -> Any:
        from submitit import JobEnvironment

        came: list[int] = []

        def announced(number: int, _frame: FrameType | None) -> None:
            came.append(number)
            STOP.ask(signal.SIGTERM)

        environment = JobEnvironment()
        signal.signal(environment._usr_sig(), announced)
        begun_before = os.environ.get("SLURM_RESTART_COUNT", "0") != "0"
        result = (self.work.resumed() if begun_before else self.work)()
        if came and "SLURM_JOB_ID" in os.environ:
            subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=True)
            time.sleep(REQUEUE_S)  # SLURM ends this process
        return result


class _Handle:
    def __init__(self, job: Any) -> None:
        self._job = job

    def done(self) -> bool:
        return bool(self._job.done())

    def result(self) -> Any:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        try:
            return self._job.result()
        except FailedJobError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise RuntimeError(lines[-1] if lines else "the job failed") from error
        except UncompletedJobError as error:
            state = str(self._job.state)
            raise WorkerDied(f"job {self._job.job_id} ended without a word ({state})") from error
