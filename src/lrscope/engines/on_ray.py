"""Tasks of Ray: on a Ray of the sweep's own on this machine, or on a cluster that is there (``address``)."""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.stop_signals import STOP
from lrscope.engines.engine import Handle, Work, WorkerDied

LISTENS_S = 10.0
"""How long a cluster may take to answer a connection."""


class RayEngine:
    """One task a group. Ray's own retries are off: they would begin a group anew, beside what it has recorded.

    Args:
        options: ``address`` of a cluster (``auto``: the one of this machine); ``num_cpus``, ``num_gpus`` of a task.
        on_gpus: whether the members train on a GPU, where there is one. Then a task asks for one, or for the share of
            one that lets all workers work at once: Ray shows it that one alone.

    Raises:
        InputError: there is no such cluster.
    """

    def __init__(self, workers: int, options: Mapping[str, Any], on_gpus: bool = True) -> None:
        self._handles: list[_Handle] = []
        cpus = float(options.get("num_cpus", 1))
        _start(options.get("address"), max(1, round(workers * cpus)))
        import ray

        has = ray.cluster_resources().get("GPU", 0)
        gpus = float(options.get("num_gpus", share_of_gpus(has, workers) if on_gpus else 0))
        if options.get("address") is None and gpus > has:  # a cluster may grow; this machine would wait for ever
            self.stop()
            rule = f"a group wants more GPUs than this machine has ({has:g})"
            raise InputError(
                Problem("sweep.engine_options.num_gpus", str(gpus), rule, "Leave it out, or ask for less.")
            )
        self._remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_do)

    def submit(self, work: Work, name: str) -> Handle:
        handle = _Handle(self._remote.options(name=name).remote(work))
        self._handles.append(handle)
        return handle

    def withdraw(self) -> None:
        """A task that runs gets a SIGINT by this, which its worker takes as it takes Ctrl-C."""
        for handle in self._handles:
            handle.cancel()

    def stop(self) -> None:
        import ray

        with suppress(Exception):
            ray.shutdown()


def share_of_gpus(has: float, workers: int) -> float:
    """Of one GPU what each worker asks for, where there are so many: 1, a half for two workers on each, and so on."""
    each = math.ceil(workers / has) if has >= 1 else 0
    return math.floor(10_000 / each) / 10_000 if each else 0.0  # Ray takes four digits


def _start(address: str | None, cpus: int) -> None:
    """Become a client of the Ray there; where there is no address, of one that ends with this process."""
    if address is not None:
        _check_that_it_listens(address)
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "3")  # of 20: with a wrong token, or where there is no Ray
    import ray  # reads it

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    try:
        with _errors_unheard():
            if address is None:
                ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        listens = address is not None and ":" in address
        raise _does_not_start(address, first, _GIVE_THE_TOKEN if listens else _START_ONE) from error
    STOP.install()  # Ray has put a handler of its own in the place of SIGTERM's


_START_ONE = "Start one with `ray start --head`, or leave it out for a Ray of the sweep's own."
_GIVE_THE_TOKEN = "Is RAY_AUTH_MODE=token set, and the cluster's token in RAY_AUTH_TOKEN or ~/.ray/auth_token?"


@contextmanager
def _errors_unheard() -> Iterator[None]:
    """Ray's native part writes a line on each try past every setting; what it comes to is raised."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_that_it_listens(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return  # auto
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=LISTENS_S).close()
    except (OSError, OverflowError) as error:
        why = "it did not answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
        raise _does_not_start(address, f"nothing listens ({why})", _START_ONE) from error


def _does_not_start(address: str | None, why: str, remedy: str) -> InputError:
    rule = f"Ray does not start there: {why[:200].rstrip('. ')}"
    return InputError(Problem("sweep.engine_options.address", str(address or ""), rule, remedy))


def _do(work: Work) -> Any:
    return work()


class _Handle:
    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def cancel(self) -> None:
        import ray

        with suppress(Exception):
            ray.cancel(self._reference)

    def done(self) -> bool:
        import ray

        return bool(ray.wait([self._reference], timeout=0)[0])

    def result(self) -> Any:
        import ray

        try:
            return ray.get(self._reference)
        except ray.exceptions.RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except ray.exceptions.RayError as error:  # a worker, a node, an object that is lost
            raise WorkerDied(f"its process ended without a word ({type(error).__name__})") from error
