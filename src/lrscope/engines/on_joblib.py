"""Processes of this machine, by joblib's loky: each worker is a pool of its own, so that its death harms no other."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from lrscope.engines.engine import Handle, Work, WorkerDied


class JoblibEngine:
    """``workers`` processes that stay from one piece of work to the next.

    Where the machine has several GPUs, each worker sees one of them.
    """

    def __init__(self, workers: int) -> None:
        self._pools: list[Any] = [None] * workers
        self._under_way: list[Future[Any] | None] = [None] * workers

    def submit(self, work: Work, name: str) -> Handle:
        del name
        slot = next(i for i, future in enumerate(self._under_way) if future is None or future.done())
        try:
            future = self._pool(slot).submit(work)
        except Exception:  # it broke while it idled
            self._end(slot)
            future = self._pool(slot).submit(work)
        self._under_way[slot] = future
        return _Handle(future, lambda: self._end(slot))

    def withdraw(self) -> None:
        """Every piece of work has a worker."""

    def stop(self) -> None:
        for slot in range(len(self._pools)):
            self._end(slot)

    def _pool(self, slot: int) -> Any:
        if self._pools[slot] is None:
            from joblib.externals.loky.process_executor import ProcessPoolExecutor

            self._pools[slot] = ProcessPoolExecutor(max_workers=1, env=_environment(slot, len(self._pools)))
        return self._pools[slot]

    def _end(self, slot: int) -> None:
        pool, self._pools[slot] = self._pools[slot], None
        if pool is None:
            return
        with suppress(Exception):
            pool.shutdown(wait=False, kill_workers=True)


class _Handle:
    def __init__(self, future: Future[Any], forget: Any) -> None:
        self._future = future
        self._forget = forget

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> Any:
        from concurrent.futures import BrokenExecutor

        try:
            return self._future.result()
        except BrokenExecutor as error:
            self._forget()
            raise WorkerDied(_cause(str(error))) from error


def _cause(words: str) -> str:
    """``killed by SIGKILL`` of loky's several lines."""
    named = next((number.name for number in signal.Signals if f"{number.name}(" in words), None)
    return f"it was ended by {named}" if named else "its process ended without a word"


def _environment(slot: int, workers: int) -> dict[str, str]:
    """The processor is shared out, unless somebody has said how; the GPUs that this process sees are, one to each."""
    own: dict[str, str] = {}
    if "OMP_NUM_THREADS" not in os.environ:
        own["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    if len(gpus := _visible_gpus()) > 1:
        own["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return own


def _visible_gpus() -> list[str]:
    """As ``CUDA_VISIBLE_DEVICES`` names them: numbers, or ids."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
