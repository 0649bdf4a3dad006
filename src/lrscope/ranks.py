"""Several processes that train one model: what only the first decides, and what the others must know of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytorch_lightning as pl  # slow to import, and asked for before a store that is away is told

_INHERITED = "LRSCOPE_RUN"


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
