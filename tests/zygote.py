"""Starts commands as real processes that need not import torch, Lightning and MLflow again: seconds a command.

Reads one JSON object a line (``argv``, ``cwd``, ``env``, ``output``, ``errors``), forks, and runs the program
``argv[0]`` in the child (or, after ``-m`` and ``-c``, the module or the code);
answers ``{"pid"}`` at once and ``{"pid", "code"}`` when a child has ended. A child has its own session, signals,
process id and start time, like any other process. So has the service that delivers for it, which is forked, too, and so
are workers of joblib.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import subprocess
import sys
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, cast

import forked_workers
from lrscope.tracking.delivery import service_client, service_process
from lrscope.tracking.delivery.service_client import Link


def preload() -> None:
    """Import what every command needs; nothing here may start a thread."""
    import hydra_plugins.hydra_joblib_launcher._core  # noqa: F401
    import joblib.externals.loky.backend.popen_loky_posix  # noqa: F401
    import mlflow.pytorch
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.tracking  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import sqlalchemy.orm
    import torch.utils.serialization  # noqa: F401

    import lrscope.batched.run.launch
    import lrscope.cli.dry_run
    import lrscope.cli.hydra_hooks
    import lrscope.cli.main
    import lrscope.datasets.array_inputs
    import lrscope.probe.try_out
    import lrscope.report
    import lrscope.runs.fit
    import lrscope.runs.run
    import lrscope.runs.train_single
    import lrscope.sweeps.close
    import lrscope.sweeps.confirm_best
    import lrscope.tracking.mlflow_store.model_package
    import lrscope.tracking.mlflow_store.raw_model  # noqa: F401

    sqlalchemy.orm.configure_mappers()


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


def fork_services() -> None:
    service_client.LAUNCHES = (fork_service, service_client.start_thread)


def run_child(order: dict[str, Any]) -> None:
    """Become the command: never returns."""
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for stream, key in ((1, "output"), (2, "errors")):
        os.dup2(os.open(order[key], os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    fork_services()
    if os.environ.get("LRSCOPE_FORKED_WORKERS") and any("joblib" in word for word in order["argv"]):
        forked_workers.fork_workers_of(fork_services)
    forked_workers.end_as(partial(run_program, order["argv"]))


def run_program(argv: list[str]) -> None:
    """As ``python ARGV`` would: the folder of the program and those of PYTHONPATH are searched first."""
    how = argv[0] if argv[0] in ("-m", "-c") else ""
    first = str(Path.cwd()) if how else str(Path(argv[0]).parent)
    sys.path[:1] = [first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = argv[1:] if how == "-m" else ["-c", *argv[2:]] if how else argv
    if how == "-m":
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    elif how:
        exec(compile(argv[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_path(argv[0], run_name="__main__")


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
