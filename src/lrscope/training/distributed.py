"""Several processes that train one model: what only the first decides, and what the others must know of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytorch_lightning as pl  # slow to import, and asked for before a store that is away is told

_INHERITED = "LRSCOPE_RUN"

_LEFT_BY_LIGHTNING = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class SharedRun:
    """What the first process tells the processes that Lightning starts: whose record it is, and whether it goes on."""

    local_id: str
    resumes: bool

    def leave(self) -> None:
        """Put it where processes started from now on find it."""
        os.environ[_INHERITED] = f"{self.local_id}:{int(self.resumes)}"


def is_first() -> bool:
    """Whether this process records; in a run of one process it is the only one."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def shared_run() -> SharedRun | None:
    """What the first process left for this one; None in the first process itself."""
    text = os.environ.get(_INHERITED)
    if is_first() or text is None:
        return None
    local_id, _, resumes = text.partition(":")
    return SharedRun(local_id, resumes == "1")


def agreed(trainer: pl.Trainer, flag: bool) -> bool:
    """The first process's answer, in every process: all of them must call this at the same place."""
    return bool(trainer.strategy.broadcast(flag)) if trainer.world_size > 1 else flag


@contextmanager
def processes_of_a_member(overrides: Sequence[str]) -> Iterator[None]:
    """While a member of a sweep trains on several devices: the processes that Lightning starts repeat the command, and
    are to train this member only. Behind it the next member finds nothing of theirs, and starts its own.

    Args:
        overrides: of this member.
    """
    import torch.distributed

    argv, before = sys.argv, {name: os.environ.get(name) for name in _LEFT_BY_LIGHTNING}
    sys.argv = [argv[0], *overrides, "hydra.mode=RUN"]
    try:
        yield
    finally:
        sys.argv = argv
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
