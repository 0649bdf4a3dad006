"""Checkpoints on disk: written whole or not at all, read back with a check, the one before kept in reserve."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrscope.core.failpoint import failpoint
from lrscope.core.files import is_plain_file, spared
from lrscope.training.checkpoint_state import check_content

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that was read whole; ``words`` says what was wrong with a newer one that was passed over."""

    path: Path
    content: dict[str, Any]
    words: str = ""


@dataclass(frozen=True)
class CheckpointFolder:
    """``last.ckpt`` and ``previous.ckpt`` of one run, and ``best.ckpt`` at its end.

    ``wanted`` false keeps nothing, of a run that is recorded nowhere and cannot be gone on with.
    """

    path: Path
    wanted: bool = True

    def write(self, save: Callable[[str], None]) -> None:
        """Let ``save`` write to a path of its own, then put it in place: a kill at any moment leaves a whole file."""
        if not self.wanted:
            return
        fresh = self.path / f".{LAST}.{os.getpid()}"
        with spared(fresh, "no checkpoint was written, the one before it stays"):
            self.path.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            save(str(fresh))
            if not fresh.exists():
                return  # in a distributed run only the first process writes
            _to_disk(fresh)
            with failpoint("checkpoint"):
                if (self.path / LAST).exists():
                    (self.path / LAST).replace(self.path / PREVIOUS)
                with failpoint("rename"):
                    fresh.replace(self.path / LAST)
            _to_disk(self.path)

    def write_best(self, content: dict[str, Any]) -> None:
        """The best weights with where they come from."""
        if not self.wanted:
            return
        fresh = self.path / f".{BEST}.{os.getpid()}"
        with spared(fresh, "the best weights were not written"):
            self.path.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            save_tensors(content, str(fresh))
            _to_disk(fresh)
            with failpoint("best"):
                fresh.replace(self.path / BEST)

    def load(self) -> LoadedCheckpoint | None:
        """The newest checkpoint that is whole; None where there is none. A torn one is passed over, and said."""
        words = ""
        for name in (LAST, PREVIOUS):
            path = self.path / name
            if not is_plain_file(path):
                continue
            try:
                content = read_checkpoint(path)
                check_content(content)
                return LoadedCheckpoint(path, content, words)
            except Exception as error:
                words = f"{path.name} is torn or unreadable ({type(error).__name__}); the one before it is used. "
        return None if not words else LoadedCheckpoint(self.path, {}, words)


def save_tensors(content: dict[str, Any], path: str) -> None:
    """``torch.save`` by way of memory: on a full disk its own writer of files ends the whole process.

    Raises:
        OSError: the file cannot be written, for want of room.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    Path(path).write_bytes(buffer.getbuffer())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint: every byte is checked against its CRC, and nothing but data is unpickled.

    Raises:
        zipfile.BadZipFile, RuntimeError, pickle.UnpicklingError, ValueError: the file is torn, or holds more than data.
    """
    import torch

    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} does not match its checksum")
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise ValueError("no checkpoint")
    return content


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
