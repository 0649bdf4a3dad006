"""Starts commands as real processes that need not import torch, Lightning and MLflow again: seconds a command.

Reads one JSON object a line (``argv``, ``cwd``, ``env``, ``output``), forks, and runs the command in the child;
answers ``{"pid"}`` at once and ``{"pid", "code"}`` when a child has ended. A child has its own session, signals,
process id and start time, like any other process. So has the service that delivers for it, which is forked, too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from multiprocessing import Pipe
from typing import Any, cast

from lrscope.tracking.delivery import service_client, service_process
from lrscope.tracking.delivery.service_client import Link


def preload() -> None:
    """Import what every command needs; nothing here may start a thread."""
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.tracking  # noqa: F401
    import sklearn.datasets  # noqa: F401

    import lrscope.batched.run.launch
    import lrscope.cli.main
    import lrscope.report
    import lrscope.runs.fit
    import lrscope.runs.run
    import lrscope.sweeps.close  # noqa: F401


class ForkedService:
    """A process with the calls of ``subprocess.Popen`` that the session uses."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = False

    def kill(self) -> None:
        if not self._ended:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> None:
        if not self._ended:
            os.waitpid(self._pid, 0)
            self._ended = True


def fork_service() -> Link:
    """The service's process, without the seconds that importing MLflow takes it."""
    ours, theirs = Pipe()
    session = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            service_process.main(theirs.fileno(), session)
        finally:
            os._exit(1)
    theirs.close()
    return Link(ours, cast("subprocess.Popen[bytes]", ForkedService(pid)))


def run_child(order: dict[str, Any]) -> None:
    """Become the command: never returns."""
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = order["argv"]
    service_client.LAUNCHES = (fork_service, service_client.start_thread)
    code = 1
    try:
        from lrscope.cli.main import main

        code = main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def main() -> None:
    preload()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    children: set[int] = set()
    print("{}", file=answers)
    while True:
        ready, _, _ = select.select([0], [], [], 0.02)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return
            pid = os.fork()
            if pid == 0:
                run_child(json.loads(line))
            children.add(pid)
            print(json.dumps({"pid": pid}), file=answers)
        for pid in list(children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                children.discard(pid)
                print(json.dumps({"pid": pid, "code": os.waitstatus_to_exitcode(status)}), file=answers)


if __name__ == "__main__":
    main()
