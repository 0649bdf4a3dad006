"""A full disk takes files away from a run, not the run itself."""

from __future__ import annotations

import errno
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
