"""Workers of joblib that need not import torch, Lightning and MLflow again, each a child of its command as always.

joblib starts each worker as a fresh Python, which takes 10 s and more. Here a process that the command forked before it
began, and that did nothing since, forks them instead: a worker starts from the same state as a fresh one, and its
parent is the command, which adopts it (``PR_SET_CHILD_SUBREAPER``). Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

ADOPTS_CHILDREN = 36
"""``PR_SET_CHILD_SUBREAPER`` of ``prctl``."""

WORKER = "joblib.externals.loky.backend.popen_loky_posix"
MOST = 1 << 16


def fork_workers_of(command: Callable[[], object]) -> None:
    """Call this in a command's process before it does anything. ``command`` is called in each worker first."""
    from joblib.externals.loky.backend import fork_exec

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if ctypes.CDLL(None).prctl(ADOPTS_CHILDREN, 1, 0, 0, 0) != 0:
        return
    if os.fork() == 0:
        ours.close()
        _serve(theirs, command)
        os._exit(0)
    theirs.close()
    fresh = fork_exec.fork_exec

    def start(words: Sequence[str], descriptors: Sequence[int], env: Mapping[str, str] | None = None) -> int:
        if WORKER not in words:
            return int(fresh(words, descriptors, env=env))
        kept = sorted({int(one) for one in descriptors})
        order = {"argv": words[words.index(WORKER) + 1 :], "kept": kept, "env": {**os.environ, **(env or {})}}
        socket.send_fds(ours, [json.dumps(order).encode()], kept)
        return int(ours.recv(32))

    fork_exec.fork_exec = start


def _serve(orders: socket.socket, command: Callable[[], object]) -> None:
    """Fork a worker for each order. It is orphaned at once, so that the command becomes its parent."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            message, descriptors, _, _ = socket.recv_fds(orders, MOST, 16)
            if not message:
                return
            between = os.fork()
            if between == 0:
                worker = os.fork()
                if worker == 0:
                    end_as(partial(_become_worker, json.loads(message), descriptors, command))
                orders.send(str(worker).encode())
                os._exit(0)
            os.waitpid(between, 0)
            for descriptor in descriptors:
                os.close(descriptor)


def end_as(program: Callable[[], object]) -> NoReturn:
    """Run a program in this forked process and end with its exit code, as Python itself ends."""
    code: object = 1
    try:
        program()
        code = 0
    except SystemExit as stop:
        code = stop.code if stop.code is not None else 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _become_worker(order: dict[str, list[str]], descriptors: list[int], command: Callable[[], object]) -> None:
    """What ``end_as`` runs in a worker: until its command is done."""
    kept = [int(number) for number in order["kept"]]
    above = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, max(kept) + 100) for descriptor in descriptors]
    os.closerange(3, max(kept) + 100)
    for held, number in zip(above, kept, strict=True):
        os.dup2(held, number)
        os.close(held)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(dict(order["env"]))
    sys.argv = [WORKER, *order["argv"]]
    command()
    runpy.run_module(WORKER, run_name="__main__", alter_sys=True)
