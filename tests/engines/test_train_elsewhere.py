"""A sweep whose groups train on an engine: recorded like one in a single process, whatever dies on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sweeps_elsewhere import AT_MOST_S, WORDS, Typed, all_gone, points, states, type_command, under_way, worker

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ENGINES = {
    "joblib": ("sweep.engine=joblib", "sweep.workers=2"),
    "slurm": ("sweep.engine=slurm", "sweep.workers=2", "sweep.engine_options.cluster=local"),
    "ray": ("sweep.engine=ray", "sweep.workers=2"),
}
LIBRARY = {"joblib": "joblib", "slurm": "submitit", "ray": "ray"}


def on(engine: str, *more: object) -> Any:
    """Parameters of a test; those of Ray are left to `make test-ray`, which has Ray."""
    return pytest.param(engine, *more, marks=[pytest.mark.ray] if engine == "ray" else [])


@pytest.mark.parametrize("engine", [on(engine) for engine in ENGINES])
def test_points_and_values_are_those_of_one_process(engine: str, undisturbed: object, tmp_path: Path) -> None:
    pytest.importorskip(LIBRARY[engine])
    typed = type_command(tmp_path, *WORDS, *ENGINES[engine], store=True, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err + typed.out
    assert "group 2 of 2: 2 members as one model (lr=" in typed.out and "Traceback" not in typed.err
    assert points(typed) == undisturbed
    assert states(tmp_path) == ["FINISHED"] * 5  # one parent
    again = type_command(tmp_path, *WORDS, "resume=latest", at_most_s=AT_MOST_S)
    assert again.code == 0 and "4 of its 4 members are done" in again.out, again.err + again.out
    assert points(again) == undisturbed


KILLED = [
    on("joblib", signal.SIGKILL, "SIGKILL"),
    on("joblib", signal.SIGTERM, "told to stop"),
    on("slurm", signal.SIGKILL, "ended without a word"),
    on("ray", signal.SIGKILL, "ended without a word"),
]


@pytest.mark.parametrize(("engine", "number", "words"), KILLED)
def test_a_worker_that_is_killed_is_retried_into_the_same_runs(
    engine: str, number: signal.Signals, words: str, undisturbed: object, tmp_path: Path
) -> None:
    pytest.importorskip(LIBRARY[engine])
    with under_way(tmp_path, *ENGINES[engine]) as process:
        os.kill(worker(tmp_path), number)
        output = process.wait(600)
        assert process.returncode == 0, output
        assert all_gone(process.pid, tmp_path, 120)
    assert "goes on from its checkpoints, retry 1 of 2" in output and words in output
    assert states(tmp_path) == ["FINISHED"] * 5
    assert points(Typed(tmp_path, 0, output, "", 0.0)) == undisturbed


def test_without_retries_the_group_is_given_up_and_the_other_is_unharmed(tmp_path: Path) -> None:
    with under_way(tmp_path, *ENGINES["joblib"], "sweep.retries=0") as process:
        os.kill(worker(tmp_path), signal.SIGKILL)
        output = process.wait(600)
        assert process.returncode == 1, output
    assert "was given up: it was ended by SIGKILL" in output and ".log" in output and "Traceback" not in output
    assert states(tmp_path) == ["FAILED", *["FINISHED"] * 2, *["KILLED"] * 2]


@pytest.mark.parametrize(
    ("engine", "number", "to_all"),
    [
        on("joblib", signal.SIGINT, True),
        on("joblib", signal.SIGTERM, False),
        on("slurm", signal.SIGTERM, False),
        on("ray", signal.SIGTERM, False),
    ],
)
def test_a_signal_stops_the_workers_and_a_resume_goes_on(
    engine: str, number: signal.Signals, to_all: bool, undisturbed: object, tmp_path: Path
) -> None:
    """``to_all``: as Ctrl-C at a terminal, which every process of the command gets."""
    pytest.importorskip(LIBRARY[engine])
    with under_way(tmp_path, *ENGINES[engine]) as process:
        os.killpg(process.pid, number) if to_all else process.send_signal(number)
        output = process.wait(300)
        assert process.returncode == 128 + number, output
        assert "Traceback" not in output
        assert all_gone(process.pid, tmp_path, 120)
    assert len(states(tmp_path)) >= 3 and set(states(tmp_path)) == {"KILLED"}
    again = type_command(tmp_path, *WORDS, *ENGINES["joblib"], "resume=latest", at_most_s=AT_MOST_S)
    assert again.code == 0, again.err + again.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(again) == undisturbed


def test_workers_outlive_a_launcher_that_is_killed_and_end_after_their_group(
    undisturbed: dict[str, object], tmp_path: Path
) -> None:
    with under_way(tmp_path, *ENGINES["joblib"]) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert all_gone(process.pid, tmp_path, 400)
    trained = [run for run in Typed(tmp_path, 0, "", "", 0.0).runs() if run.data.tags["lrscope.kind"] == "member"]
    assert len(trained) >= 2 and {run.info.status for run in trained} == {"FINISHED"}
    again = type_command(tmp_path, *WORDS, *ENGINES["joblib"], "resume=latest", at_most_s=AT_MOST_S)
    assert again.code == 0, again.err
    assert states(tmp_path) == ["FINISHED"] * 5 and points(again) == undisturbed
