"""A sweep of two groups on an engine: how a test starts it, finds its workers, and reads what it recorded."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from command_line import CHECKOUT, HERE, Typed, type_command

from processes import Command, zygote
from servers import empty_store

__all__ = ["HERE", "Command", "Typed", "type_command"]

WORDS = (
    *("-m", "lr=0.3,0.1", "model.hidden=[4],[5]", "dataset=blobs", "batch_size=200", "epochs=600"),
    *("optimizer=sgd", "trainer=cpu", "sweep.report=false", "sweep.together=always", "tracking.log_model=none"),
    *("callbacks.look_ahead=false", "callbacks.checkpoint.every_seconds=0.2"),
)
"""Two stacks of two members, which are two groups; seconds each, so that what strikes them does not come too late."""

AT_MOST_S = 500
"""Each worker imports everything anew: on a busy machine that alone is minutes."""


def points(typed: Typed) -> dict[str, dict[str, dict[int, float]]]:
    """Every value of every member, but for what is a time."""
    return {
        str(run.info.run_name): {key: typed.curve(run, key) for key in run.data.metrics if "second" not in key}
        for run in typed.runs()
        if run.data.tags["lrscope.kind"] == "member"
    }


def states(root: Path) -> list[str]:
    return sorted(run.info.status for run in Typed(root, 0, "", "", 0.0).runs())


@contextmanager
def under_way(root: Path, *words: str, variables: Mapping[str, str] | None = None) -> Iterator[Command]:
    """A sweep of which a group is training and has a checkpoint, in a session of processes of its own.

    Args:
        words: beside, or instead of, those of every sweep here.
        variables: of its environment, beside those of every test.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlflow.db").write_bytes(empty_store().read_bytes())
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE), "LRSCOPE_TRIAL_SECONDS": "0"}
    own |= {"LRSCOPE_FORKED_WORKERS": "1"}  # of joblib: a third of the cost; the test above has a user's
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "LRSCOPE_"))}
    process = zygote().start([str(CHECKOUT / "train.py"), *WORDS, *words], root, clean | own | (variables or {}))
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


def job_of(pid: int) -> str:
    """The job of SLURM that a process belongs to."""
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(word.partition(b"=")[2].decode() for word in words if word.startswith(b"SLURM_JOB_ID="))


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
