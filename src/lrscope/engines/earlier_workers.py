"""Workers of a command that was killed: they train on to their end, and the next command takes in what they did."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

from lrscope.core.stop_signals import STOP
from lrscope.engines.slurm_queue import WAITS, SlurmQueue, name_of_jobs
from lrscope.engines.task import LaunchedJob, as_stored, stored_members
from lrscope.tracking.liveness.process import ProcessIdentity, fate

LOOK_EVERY_S = 2.0


def once_they_ended(jobs: Sequence[LaunchedJob]) -> Sequence[LaunchedJob]:
    """The jobs of a sweep that is resumed, once nobody else is at them, told of what they came to meanwhile."""
    ticket = jobs[0].job.ticket
    assert ticket is not None
    queue = SlurmQueue(name_of_jobs(ticket.local_id)) if shutil.which("squeue") is not None else None
    told = False
    while STOP.requested() is None and (at_work := [*_jobs(queue), *_processes(jobs[0])]):
        if not told:
            print(f"an earlier command has left at work: {', '.join(at_work)}; waiting until they end", flush=True)
            told = True
        time.sleep(LOOK_EVERY_S)
    return [*as_stored(dict(enumerate(jobs))).values()] if told and STOP.requested() is None else jobs


def _jobs(queue: SlurmQueue | None) -> list[str]:
    """Those of SLURM that have begun; the others are taken back."""
    if queue is None:
        return []
    states = queue.jobs().items()
    queue.take_back(number for number, state in states if state == WAITS)
    return [f"job {number}" for number, state in states if state != WAITS]


def _processes(job: LaunchedJob) -> list[str]:
    """Those of this machine that record members of the sweep."""
    ticket = job.job.ticket
    if ticket is None or not ticket.known:
        return []
    tags = [run.tags for run in stored_members(job) if run.status == "RUNNING"]
    owners = {owner for found in tags if (owner := ProcessIdentity.from_tags(found)) and fate(owner) == "alive"}
    return sorted(f"process {owner.pid}" for owner in owners)
