"""Starts commands as real processes that need not import torch, Lightning and MLflow again: seconds a command.

Reads one JSON object a line (``argv``, ``cwd``, ``env``, ``output``), forks, and runs the command in the child;
answers ``{"pid"}`` at once and ``{"pid", "code"}`` when a child has ended. A child has its own session, signals,
process id and start time, like any other process.
"""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any


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
