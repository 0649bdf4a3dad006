"""Tasks of Ray: on a Ray of the sweep's own on this machine, or on a cluster that is there (``address``)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.stop_signals import STOP
from lrscope.engines.engine import Handle, Work, WorkerDied


class RayEngine:
    """One task a group. Ray's own retries are off: they would begin a group anew, beside what it has recorded.

    Args:
        options: ``address`` of a cluster (``auto``: the one of this machine); ``num_cpus``, ``num_gpus`` of a task.

    Raises:
        InputError: there is no such cluster.
    """

    def __init__(self, workers: int, options: Mapping[str, Any]) -> None:
        import ray

        self._handles: list[_Handle] = []
        cpus, gpus = float(options.get("num_cpus", 1)), float(options.get("num_gpus", 0))
        _start(options.get("address"), max(1, round(workers * cpus)))
        has = ray.cluster_resources().get("GPU", 0)
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


def _start(address: str | None, cpus: int) -> None:
    """Become a client of the Ray there; where there is no address, of one that ends with this process."""
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    try:
        if address is None:
            ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "Start one with `ray start --head`, or leave it out for a Ray of the sweep's own."
        rule = f"Ray does not start there: {first[:200].rstrip('. ')}"
        raise InputError(Problem("sweep.engine_options.address", str(address or ""), rule, remedy)) from error
    STOP.install()  # Ray has put a handler of its own in the place of SIGTERM's


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
