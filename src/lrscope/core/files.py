"""Files that are not as one would have them: a full disk takes files away from a run, not the run itself; what lies in
the place of a file and is none, or leads elsewhere, is left alone.
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def spared(path: Path, loss: str) -> Iterator[None]:
    """Around the writing of a file: where the disk has no room for it, warn and go on without.

    Args:
        path: what is being written; a part that is there is removed.
        loss: what the user loses by it, in words.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not is_full(error):
            raise
        path.unlink(missing_ok=True)
        warnings.warn(f"the disk of {path.parent} is full: {loss}", stacklevel=3)


def is_full(error: BaseException) -> bool:
    """Whether the error says that a disk, or the user's share of it, has no room.

    torch's writer of files names no cause: it says only which of its checks (``inline_container.cc``) failed.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "inline_container" in str(error)


def plain_opener(path: str, flags: int) -> int:
    """For ``open``: only a regular file is opened, and no link is followed. A FIFO would block, a device would do
    whatever it does, a link would lead out of the folder.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", path)
    return descriptor


def is_plain_file(path: Path) -> bool:
    """Whether it is a regular file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def what_it_is(path: Path) -> str:
    """``a FIFO``, ``a device``, ``a folder`` … for what is no regular file, links followed; empty for one, and where
    there is nothing.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder", stat.S_IFREG: ""}
    return kinds.get(stat.S_IFMT(mode), "a device")
