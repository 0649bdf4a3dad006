"""A sweep on a real SLURM: recorded like one in a single process, whatever becomes of its jobs and of its command."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from slurm_cluster import Cluster
from sweeps_elsewhere import (
    AT_MOST_S,
    WORDS,
    Typed,
    all_gone,
    job_of,
    points,
    states,
    type_command,
    under_way,
    worker,
)

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]

ON_SLURM = ("sweep.engine=slurm", "sweep.workers=2")


def stored(root: Path) -> Typed:
    return Typed(root, 0, "", "", 0.0)


def test_points_are_those_of_one_process(slurm: Cluster, tmp_path: Path) -> None:
    """As the documentation has it typed: rates and seeds, which are one stack, and runs that are single ones."""
    words = ("-m", "lr=1,0.1,0.01", "seed=0,1", *WORDS[3:])
    for together in ("always", "never"):
        more = (f"sweep.together={together}", "epochs=20")
        here = type_command(tmp_path / together / "here", *words, *more, store=True, at_most_s=AT_MOST_S)
        there = type_command(
            tmp_path / together / "there",
            *words,
            *more,
            *ON_SLURM,
            store=True,
            variables=slurm.variables,
            at_most_s=800,
        )
        assert here.code == there.code == 0, here.err + there.err + there.out
        assert len(points(here)) == 6 and points(there) == points(here)
        assert states(there.root) == ["FINISHED"] * 7  # one parent
        assert slurm.none_left()


@pytest.mark.parametrize("how", ["kill", "scancel", "cancel", "requeue"])
def test_a_job_that_is_killed_goes_on_in_the_same_runs(
    slurm: Cluster, how: str, undisturbed: object, tmp_path: Path
) -> None:
    """Its process, its processes by SLURM, the whole job; and one that SLURM itself queues again."""
    with under_way(tmp_path, *ON_SLURM, variables=slurm.variables) as process:
        pid = worker(tmp_path)
        job = job_of(pid)
        if how == "kill":
            os.kill(pid, signal.SIGKILL)
        else:
            ways = {"scancel": ("scancel", "--signal=KILL"), "cancel": ("scancel",), "requeue": ("scontrol", "requeue")}
            slurm.ask(*ways[how], job)
        output = process.wait(800)
        assert process.returncode == 0, output
        assert all_gone(process.pid, tmp_path, 30) and slurm.none_left()
    assert ("goes on from its checkpoints, retry 1 of 2" in output) == (how != "requeue"), output
    assert states(tmp_path) == ["FINISHED"] * 5
    assert points(stored(tmp_path)) == undisturbed


def test_a_job_whose_end_is_announced_queues_itself_again(slurm: Cluster, undisturbed: object, tmp_path: Path) -> None:
    """The signal that SLURM sends ahead of a time limit or for a job that goes before."""
    with under_way(tmp_path, *ON_SLURM, variables=slurm.variables) as process:
        job = job_of(worker(tmp_path))
        slurm.ask("scancel", "--signal=USR2", job)
        output = process.wait(800)
        assert process.returncode == 0, output
    assert "retry" not in output
    assert "Restarts=1" in slurm.ask("scontrol", "show", "job", job)
    assert states(tmp_path) == ["FINISHED"] * 5
    assert points(stored(tmp_path)) == undisturbed


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_to_the_command_stops_its_jobs_and_a_resume_goes_on(
    slurm: Cluster, number: signal.Signals, to_all: bool, undisturbed: object, tmp_path: Path
) -> None:
    """One job of another user's has a processor: one of the two groups waits for it, and would for ten minutes."""
    other = slurm.ask("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 600").strip()
    try:
        with under_way(tmp_path, *ON_SLURM, variables=slurm.variables) as process:
            os.killpg(process.pid, number) if to_all else process.send_signal(number)
            output = process.wait(300)
            assert process.returncode == 128 + number, output
            assert "Traceback" not in output
            assert all_gone(process.pid, tmp_path, 30)
            assert set(slurm.jobs()) == {other}
    finally:
        slurm.ask("scancel", other)
    assert set(states(tmp_path)) == {"KILLED"}
    again = type_command(tmp_path, *WORDS, *ON_SLURM, "resume=latest", variables=slurm.variables, at_most_s=AT_MOST_S)
    assert again.code == 0, again.err + again.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(again) == undisturbed


@pytest.mark.parametrize("at_once", [False, True])
def test_jobs_outlive_a_command_that_is_killed_and_the_next_takes_in_what_they_did(
    slurm: Cluster, at_once: bool, undisturbed: object, tmp_path: Path
) -> None:
    """``at_once``: also where they are still at it."""
    with under_way(tmp_path, *ON_SLURM, variables=slurm.variables) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        deadline = time.monotonic() + 600
        while slurm.jobs() and not at_once:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        again = type_command(
            tmp_path, *WORDS, *ON_SLURM, "resume=latest", variables=slurm.variables, at_most_s=AT_MOST_S
        )
    assert again.code == 0, again.err + again.out
    assert at_once or "4 of its 4 members are done" in again.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(again) == undisturbed
    assert slurm.none_left()
