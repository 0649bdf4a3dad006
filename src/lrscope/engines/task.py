"""What travels to a worker: the jobs of one group, and where it finds itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from lrscope.core.job import Job, become_current
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP

if TYPE_CHECKING:
    from lrscope.tracking.find import StoredRun


@dataclass(frozen=True)
class LaunchedJob:
    """``composed`` by Hydra, its own part included; ``cfg`` the config of the run."""

    composed: DictConfig
    cfg: DictConfig
    job: Job


@dataclass(frozen=True)
class Surroundings:
    """What a worker needs of its launcher's process: another machine, or another time, has its own."""

    folder: Path
    path: tuple[str, ...]
    variables: Mapping[str, str]

    @classmethod
    def of_this_process(cls) -> Surroundings:
        """Passwords stay at home: a worker elsewhere has those of its own environment."""
        own = {
            key: value
            for key, value in os.environ.items()
            if key.startswith(("LRSCOPE_", "MLFLOW_")) and not any(word in key for word in _SECRET)
        }
        return cls(Path.cwd(), tuple(entry for entry in sys.path if entry), own)

    def enter(self) -> None:
        """Make them those of this process."""
        from lrscope.config import schema

        if self.folder.is_dir():
            os.chdir(self.folder)
        sys.path.extend(entry for entry in self.path if entry not in sys.path)
        os.environ.update({key: value for key, value in self.variables.items() if key not in os.environ})
        schema.register()


_SECRET = ("PASSWORD", "TOKEN", "SECRET", "KEY")


@dataclass(frozen=True)
class Task:
    """The jobs of a group, by their places among those of the launcher.

    ``log`` gets what the worker prints. ``again``: an earlier worker began it, and died.
    """

    jobs: Mapping[int, LaunchedJob]
    together: bool
    log: Path
    surroundings: Surroundings
    again: bool = False

    def resumed(self) -> Task:
        """The same, going on from what an earlier worker left."""
        return replace(self, again=True)

    def __call__(self) -> dict[int, Outcome]:
        """Train the group in this process. What came of each, by its place; of those that had not begun when a signal
        came there is nothing.
        """
        STOP.forget()  # of a group that this process had before, and that was stopped
        STOP.install()
        with _printing_to(self.log):
            self.surroundings.enter()
            return _train(self)


def _train(task: Task) -> dict[int, Outcome]:
    from lrscope.batched.run.launch import train_together
    from lrscope.core.errors import Interrupted
    from lrscope.runs.follow_launcher import following_its_launcher
    from lrscope.runs.run import run
    from lrscope.search.judging.stop_each import stop_alone

    first = next(iter(task.jobs.values()))
    become_current(first.composed)
    outcomes: dict[int, Outcome] = {}
    try:
        with following_its_launcher(first.job, outlives=True):
            jobs = as_stored(task.jobs) if task.again else task.jobs
            if task.together:
                places = list(jobs)
                trained = train_together([(job.cfg, job.job) for job in jobs.values()], "always", cut=True)
                outcomes = {places[number]: outcome for number, outcome in trained.items()}
            for place, job in jobs.items():
                if place not in outcomes:
                    STOP.raise_if_requested()
                    become_current(job.composed)
                    outcomes[place] = run(job.cfg, job.job, stop_alone)
    except Interrupted:
        pass
    return _with_losses(outcomes, task)


def as_stored(jobs: Mapping[int, LaunchedJob]) -> dict[int, LaunchedJob]:
    """The jobs, told of the runs that an earlier worker began: they go on in those, from their checkpoints."""
    from lrscope.runs.resume import deliver_what_lies_here, known_members
    from lrscope.runs.shared_session import settings_of

    first = next(iter(jobs.values()))
    deliver_what_lies_here(settings_of(first.cfg))
    ticket = first.job.ticket
    assert ticket is not None
    knowing = replace(ticket, known={**ticket.known, **known_members(stored_members(first))})
    return {place: replace(job, job=replace(job.job, ticket=knowing)) for place, job in jobs.items()}


def stored_members(of_sweep: LaunchedJob) -> Sequence[StoredRun]:
    """What the store has of the members of a job's sweep."""
    from lrscope.runs.shared_session import settings_of
    from lrscope.tracking.find import find_sweep

    ticket = of_sweep.job.ticket
    assert ticket is not None
    return find_sweep(settings_of(of_sweep.cfg), ticket.experiment, ticket.run_id or ticket.local_id).members


def _with_losses(outcomes: dict[int, Outcome], task: Task) -> dict[int, Outcome]:
    """What this process could not record, the command is to know."""
    from lrscope.runs.shared_session import failed_to_record

    if not failed_to_record():
        return outcomes
    for place, outcome in outcomes.items():
        outcomes[place] = replace(outcome, lost=True)
        outcomes[place].write(task.jobs[place].job.folder)
    return outcomes


@contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """Everything that this process and its children print goes to the end of a file, as long as this lasts."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    streams = sys.stdout, sys.stderr
    with log.open("a", buffering=1) as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        sys.stdout = sys.stderr = file
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
