"""A job whose time limit runs out by itself: its group goes on in the same runs, whatever of the end was announced.

The worker is held still until SLURM strikes: so the time is up in the middle of training, on any machine.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from slurm_cluster import Cluster
from sweeps_elsewhere import Command, Typed, all_gone, job_of, points, states, under_way, worker

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1500)]

LIMITED = ("sweep.engine=slurm", "sweep.workers=2", "sweep.engine_options.timeout_min=2")
"""SLURM looks every half minute who is to be warned: with a limit of one minute, a job that has just begun."""


def strike(slurm: Cluster, job: str, pid: int, for_good: bool) -> None:
    """Hold a worker still until it has ended, and then no job to its limit.

    Args:
        for_good: also where SLURM wakes it, as it does with each of its signals.
    """
    loosen(slurm, but=job)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        while True:
            os.kill(pid, signal.SIGSTOP if for_good else 0)
            time.sleep(0.002)


def loosen(slurm: Cluster, but: str = "") -> None:
    """A slow machine's jobs get nowhere in two minutes."""
    for number in slurm.jobs():
        if number != but:
            slurm.ask("scontrol", "update", f"JobId={number}", "TimeLimit=60", check=False)


def outcome(slurm: Cluster, process: Command, undisturbed: object, tmp_path: Path) -> str:
    """What the command printed; everything has to be recorded."""
    while process.returncode is None:
        loosen(slurm)
        time.sleep(1)
    output = process.wait(1)
    assert process.returncode == 0, output
    assert all_gone(process.pid, tmp_path, 30)
    assert states(tmp_path) == ["FINISHED"] * 5
    assert points(Typed(tmp_path, 0, "", "", 0.0)) == undisturbed
    return output


def test_one_that_was_announced_queues_the_job_again(slurm: Cluster, undisturbed: object, tmp_path: Path) -> None:
    with under_way(tmp_path, *LIMITED, "sweep.engine_options.signal_delay_s=30", variables=slurm.variables) as process:
        pid = worker(tmp_path)
        job = job_of(pid)
        strike(slurm, job, pid, for_good=False)
        output = outcome(slurm, process, undisturbed, tmp_path)
    assert "retry" not in output, output
    assert "Restarts=0" not in slurm.ask("scontrol", "show", "job", job)


@pytest.mark.parametrize("unheard", [False, True])
def test_one_without_an_announcement_is_a_job_that_died(
    slurm: Cluster, unheard: bool, undisturbed: object, tmp_path: Path
) -> None:
    """It hears of the end by SIGTERM and has SLURM's KillWait; ``unheard``: it does not, and is killed after that."""
    with under_way(tmp_path, *LIMITED, "sweep.engine_options.signal_delay_s=0", variables=slurm.variables) as process:
        pid = worker(tmp_path)
        strike(slurm, job_of(pid), pid, for_good=unheard)
        output = outcome(slurm, process, undisturbed, tmp_path)
    assert "(TIMEOUT); it goes on from its checkpoints, retry 1 of 2" in output, output
