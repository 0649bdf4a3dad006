"""A sweep whose members train in processes of their own: recorded like any other, and stopped with its command."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from command_line import CHECKOUT, HERE, Typed, type_command

from lrscope.tracking import TrackingSettings
from lrscope.tracking.delivery.sync import sync
from processes import Command, zygote
from servers import empty_store

pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
pytestmark = pytest.mark.long

JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
SHORT = ("dataset=blobs", "batch_size=200", "model.hidden=[4]", "optimizer=sgd", "trainer=cpu")
LONG = ("-m", "lr=0.3,0.1,0.03", *SHORT, "epochs=100000", *JOBLIB, "sweep.report=false")
SYNC = (str(CHECKOUT / "scripts" / "sync.py"),)


def _state(typed: Typed) -> dict[str, object]:
    """What MLflow has of every run: status, how many points of each metric, its models."""
    return {
        str(run.info.run_name): (
            run.info.status,
            {key: sorted(typed.curve(run, key)) for key in run.data.metrics},
            len(run.outputs.model_outputs) if run.outputs else 0,
        )
        for run in (typed.client.get_run(found.info.run_id) for found in typed.runs())
    }


def test_a_faultless_sweep_is_left_alone_by_sync_and_by_a_resume(tmp_path: Path) -> None:
    words = ("-m", "lr=0.3,0.1", *SHORT, "epochs=2", *JOBLIB, "sweep.report=false", "callbacks.look_ahead=false")
    typed = type_command(tmp_path, *words, store=True)
    assert typed.code == 0, typed.err
    state = _state(typed)
    assert [status for status, _, _ in state.values()] == ["FINISHED"] * 3  # type: ignore[misc]
    assert sum(models for _, _, models in state.values()) == 1  # type: ignore[misc]
    assert type_command(tmp_path, program=SYNC).code == 0
    assert _state(typed) == state
    again = type_command(tmp_path, *words, "resume=latest")
    assert again.code == 0, again.err
    assert "refused" not in again.err
    assert _state(typed) == state


def test_a_crash_in_a_worker_is_told_and_makes_the_command_end_with_1(tmp_path: Path) -> None:
    """The other member, in a worker of its own, trains to its end."""
    own = ("model=linear", "model._target_=fragile.Fragile", "+model.fails_at=0,5")
    short = [word for word in SHORT if not word.startswith("model")]
    typed = type_command(tmp_path, "-m", *own, *short, "epochs=3", *JOBLIB, store=True)
    assert typed.code == 1, typed.err
    assert "1 member (model.fails_at=5) crashed: RuntimeError: broken on purpose; traceback: " in typed.out
    assert "Traceback" not in typed.out + typed.err
    named = Path(typed.out.partition("traceback: ")[2].split("\n")[0].rstrip("."))
    assert "fragile.py" in named.read_text()
    states = {str(run.info.run_name): run.info.status for run in typed.runs()}
    assert sorted(states.values()) == ["FAILED", "FAILED", "FINISHED"], states  # the sweep, the member, the other


@contextmanager
def _under_way(root: Path) -> Iterator[Command]:
    """A sweep of which two members are training, in a session of processes of its own."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlflow.db").write_bytes(empty_store().read_bytes())
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "LRSCOPE_"))}
    process = zygote().start([str(CHECKOUT / "train.py"), *LONG], root, clean | own)
    try:
        deadline = time.monotonic() + 300
        while len(_training(root)) < 2:
            assert process.returncode is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def _training(root: Path) -> list[Path]:
    """The journals that hold points of a training."""
    return [path for path in root.glob("outputs/spool/*/events.jsonl") if b'"train/loss"' in path.read_bytes()]


def _left(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(path.parent.name))
    return found


def _is_worker_of(command: int, pid: int) -> bool:
    """Whether it trains members: the command also starts a process that delivers, and some that keep the books."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return parent == command and b"LokyProcess" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _all_gone(session: int, within_s: float = 60) -> bool:
    deadline = time.monotonic() + within_s
    while _left(session) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not _left(session)


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGHUP, False)])
def test_a_signal_stops_the_workers_too_and_every_run_says_so(tmp_path: Path, number: int, to_all: bool) -> None:
    with _under_way(tmp_path) as process:
        os.killpg(process.pid, number) if to_all else process.send_signal(number)
        output = process.wait(120)
        assert process.returncode == 128 + number, output
        assert "Traceback" not in output
        assert _all_gone(process.pid)
    typed = Typed(tmp_path, process.returncode, output, "", 0.0)
    runs = typed.runs()
    assert len(runs) == 3, output  # the parent, and the two that had begun
    assert {run.info.status for run in runs} == {"KILLED"}
    spools = {path.parent for path in _training(tmp_path)}
    assert all((spool / "checkpoints" / "last.ckpt").is_file() for spool in spools)


def test_workers_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    with _under_way(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert _all_gone(process.pid)
    root = TrackingSettings(uri=f"sqlite:///{tmp_path / 'mlflow.db'}", spool=tmp_path / "outputs" / "spool")
    sync(root)
    assert {run.info.status for run in Typed(tmp_path, 0, "", "", 0.0).runs()} == {"KILLED"}


def test_a_worker_that_is_killed_leaves_no_run_running(tmp_path: Path) -> None:
    with _under_way(tmp_path) as process:
        worker = next(pid for pid in _left(process.pid) if _is_worker_of(process.pid, pid))
        os.kill(worker, signal.SIGKILL)
        output = process.wait(120)
        assert process.returncode == 1, output
        assert "Traceback" not in output
    assert {run.info.status for run in Typed(tmp_path, 1, "", "", 0.0).runs()} <= {"KILLED", "FAILED"}
