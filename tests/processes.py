"""Commands in processes of their own, forked from one that has imported torch, Lightning and MLflow (``zygote.py``).

With ``LRSCOPE_FRESH_COMMANDS=1``, as CI has it, :func:`run_program` starts a fresh Python each time, as a user does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


class Command:
    """A running ``python train.py …``."""

    def __init__(self, pid: int, output: Path, zygote: Zygote) -> None:
        self.pid = pid
        self._output = output
        self._zygote = zygote

    @property
    def returncode(self) -> int | None:
        """As ``Popen``'s: None while it runs, negative where a signal killed it."""
        return self._zygote.codes.get(self.pid)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> str:
        """What it printed, once it has ended; one that hangs is killed."""
        deadline = time.monotonic() + seconds
        while self.returncode is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                deadline += 60
            time.sleep(0.02)
        return self._output.read_text(errors="replace")


class Zygote:
    """One preloaded process that forks commands; threads may share it."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self._lock = threading.Lock()
        self._started: list[int] = []
        self._new = threading.Condition()
        self._folder = Path(tempfile.mkdtemp(prefix="zygote-"))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "{}", "the zygote could not import lrscope"
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, argv: list[str], cwd: Path, env: dict[str, str], errors: Path | None = None) -> Command:
        """Start a command. ``errors``: a file for its standard error, else it goes where the output goes."""
        with self._lock:
            output = self._folder / f"{time.monotonic_ns()}.log"
            order = {"argv": argv, "cwd": str(cwd), "env": env, "output": str(output), "errors": str(errors or output)}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            with self._new:
                self._new.wait_for(lambda: bool(self._started), timeout=60)
                return Command(self._started.pop(0), output, self)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if "code" in answer:
                self.codes[answer["pid"]] = answer["code"]
                continue
            with self._new:
                self._started.append(answer["pid"])
                self._new.notify()


_zygote: Zygote | None = None
_making = threading.Lock()


def zygote() -> Zygote:
    """The one of this process."""
    global _zygote
    with _making:
        if _zygote is None:
            _zygote = Zygote()
        return _zygote


def run_program(
    argv: list[str], cwd: Path, env: dict[str, str], seconds: float = 280, fresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """``python ARGV`` to its end, its output and its errors apart.

    Args:
        argv: a program with its words, or ``-m`` and a module, or ``-c`` and code. With other options of Python's it is
            never forked.
        cwd: folder it is started in.
        env: its whole environment.
        seconds: one that takes longer is killed.
        fresh: never forked, for a test of what is imported.
    """
    options = argv[0].startswith("-") and argv[0] not in ("-m", "-c")
    if fresh or options or os.environ.get("LRSCOPE_FRESH_COMMANDS"):
        command = [sys.executable, *argv]
        return subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "errors"
        forked = zygote().start(argv, cwd, env, errors)
        out = forked.wait(seconds)
        assert forked.returncode is not None
        return subprocess.CompletedProcess(argv, forked.returncode, out, errors.read_text(errors="replace"))
