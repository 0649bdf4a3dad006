"""A sweep whose groups train on an engine: recorded like one in a single process, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from command_line import CHECKOUT, HERE, Typed, type_command

from processes import Command, zygote
from servers import empty_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

WORDS = (
    *("-m", "lr=0.3,0.1", "model.hidden=[4],[5]", "dataset=blobs", "batch_size=200", "epochs=150"),
    *("optimizer=sgd", "trainer=cpu", "sweep.report=false", "sweep.together=always", "tracking.log_model=none"),
    *("callbacks.look_ahead=false", "callbacks.checkpoint.every_seconds=0.2"),
)
"""Two stacks of two members, which are two groups."""

ENGINES = {
    "joblib": ("sweep.engine=joblib", "sweep.workers=2"),
    "slurm": ("sweep.engine=slurm", "sweep.workers=2", "sweep.engine_options.cluster=local"),
    "ray": ("sweep.engine=ray", "sweep.workers=2"),
}
AT_MOST_S = 500
"""Each worker imports everything anew: on a busy machine that alone is minutes."""

LIBRARY = {"joblib": "joblib", "slurm": "submitit", "ray": "ray"}


def points(typed: Typed) -> dict[str, dict[str, dict[int, float]]]:
    """Every value of every member, but for what is a time."""
    return {
        str(run.info.run_name): {key: typed.curve(run, key) for key in run.data.metrics if "second" not in key}
        for run in typed.runs()
        if run.data.tags["lrscope.kind"] == "member"
    }


def states(root: Path) -> list[str]:
    return sorted(run.info.status for run in Typed(root, 0, "", "", 0.0).runs())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[int, float]]]:
    """The points of the same sweep in one process."""
    typed = type_command(tmp_path_factory.mktemp("local"), *WORDS, store=True, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err
    return points(typed)


@pytest.mark.parametrize("engine", ENGINES)
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


@contextmanager
def under_way(root: Path, *words: str) -> Iterator[Command]:
    """A sweep of which a group is training and has a checkpoint, in a session of processes of its own."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlflow.db").write_bytes(empty_store().read_bytes())
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE), "LRSCOPE_TRIAL_SECONDS": "0"}
    own |= {"LRSCOPE_FORKED_WORKERS": "1"}  # of joblib: a third of the cost; the test above has a user's
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "LRSCOPE_"))}
    process = zygote().start([str(CHECKOUT / "train.py"), *WORDS, *words], root, clean | own)
    try:
        deadline = time.monotonic() + AT_MOST_S
        while not list(root.glob(SAVED)):
            assert process.returncode is None and time.monotonic() < deadline, process.wait(1)
            time.sleep(0.05)
        yield process
    finally:
        for pid in left(process.pid, root):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(60)


SAVED = "outputs/spool/*/checkpoints/last.ckpt"


def worker(root: Path) -> int:
    """The process of the member that has just begun to save."""
    newest = max(root.glob(SAVED), key=lambda path: path.parent.stat().st_ctime)
    with (newest.parents[1] / "events.jsonl").open() as journal:
        return int(json.loads(journal.readline())["process"]["lrscope.process.pid"])


def left(session: int, root: Path) -> list[int]:
    """The processes that a command has started and that still run: those of its session, and of its environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            ours = f"LRSCOPE_ROOT={root}\0".encode() in (path / "environ").read_bytes()
            if fields[0] not in "ZX" and (int(fields[3]) == session or ours):
                found.append(int(path.name))
    return found


def all_gone(session: int, root: Path, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while left(session, root) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not left(session, root)


KILLED = [
    ("joblib", signal.SIGKILL, "SIGKILL"),
    ("joblib", signal.SIGTERM, "told to stop"),
    ("slurm", signal.SIGKILL, "ended without a word"),
    ("ray", signal.SIGKILL, "ended without a word"),
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
        assert all_gone(process.pid, tmp_path, 30)
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
        ("joblib", signal.SIGINT, True),
        ("joblib", signal.SIGTERM, False),
        ("slurm", signal.SIGTERM, False),
        ("ray", signal.SIGTERM, False),
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
        assert all_gone(process.pid, tmp_path, 30)
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
