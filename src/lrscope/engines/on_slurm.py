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
from lrscope.engines.slurm_queue import SlurmQueue, how_it_ended

OF_SLURM = ("partition", "account", "qos", "constraint", "setup", "signal_delay_s")
"""Options that only SLURM has; submitit calls them ``slurm_partition`` and so on."""

ENDED_S = 60.0
"""How long SLURM may take to end a process of a job that it takes back, or that has asked to be queued again."""

RESULT_S = 10.0
"""How long a result may take to show on a shared file system, once its job has ended."""


class SlurmEngine:
    """Args:
        options: of a job, by submitit's names.
        folder: for the scripts and the logs of the jobs.
        name: of the jobs.

    Raises:
        InputError: submitit refuses the options.
    """

    def __init__(self, options: Mapping[str, Any], folder: Path, name: str) -> None:
        import submitit

        cluster = str(options.get("cluster", "slurm"))
        self._handles: list[_Handle] = []
        self._queue = SlurmQueue(name) if cluster == "slurm" else None
        given = {"timeout_min": 60, **options}
        given.pop("cluster", None)
        named = {f"slurm_{key}" if key in OF_SLURM else key: value for key, value in given.items()}
        try:
            self._executor = submitit.AutoExecutor(folder=folder / "jobs", cluster=cluster)
            self._executor.update_parameters(name=name, **named)
        except (RuntimeError, ValueError, NameError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(Problem("sweep.engine", "slurm", f"submitit refuses it: {first}", "")) from error

    def submit(self, work: Work, name: str) -> Handle:
        del name
        job = self._executor.submit(Announced(work))
        handle = _Handle(job) if self._queue is None else _QueuedHandle(job, self._queue)
        self._handles.append(handle)
        return handle

    def withdraw(self) -> None:
        if self._queue is not None:
            self._queue.take_back(handle.number for handle in self._handles)

    def stop(self) -> None:
        for handle in self._handles:
            with suppress(Exception):
                if not handle.done():
                    handle.cancel()


@dataclass(frozen=True)
class Announced:
    """Work in a job whose end is announced by a signal, for want of time or for another job's sake: then what it trains
    stops after its step, is closed as interrupted, and the job is queued again to go on with it.

    A job that SLURM takes back by SIGTERM hands in nothing either: whether it is cancelled or queued again only SLURM
    knows, and a result would have the command start it a second time.
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
        if "SLURM_JOB_ID" in os.environ and (came or STOP.caught):
            if came:
                subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=True)
            time.sleep(ENDED_S)  # SLURM ends this process
        return result


class _Handle:
    """A job by submitit's means."""

    def __init__(self, job: Any) -> None:
        self._job = job

    @property
    def number(self) -> str:
        return str(self._job.job_id)

    def cancel(self) -> None:
        self._job.cancel(check=False)

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
            raise self._died(str(self._job.state)) from error

    def _died(self, state: str) -> WorkerDied:
        return WorkerDied(f"job {self.number} ended without a word{f' ({state})' if state else ''}")


class _QueuedHandle(_Handle):
    """A job of SLURM. submitit asks the accounting, which may not be kept, ever more seldom, up to ten minutes late."""

    def __init__(self, job: Any, queue: SlurmQueue) -> None:
        super().__init__(job)
        self._queue = queue
        self._submitted = time.monotonic()

    def done(self) -> bool:
        return self._handed_in() or self._queue.has_ended(self.number, self._submitted)

    def result(self) -> Any:
        deadline = time.monotonic() + RESULT_S
        while not self._handed_in():
            if time.monotonic() > deadline or STOP.requested() is not None:
                raise self._died(how_it_ended(self.number))
            time.sleep(0.2)
        return super().result()

    def _handed_in(self) -> bool:
        path: Path = self._job.paths.result_pickle
        return path in path.parent.iterdir()  # which a network's file system answers anew; ``exists`` it may not
