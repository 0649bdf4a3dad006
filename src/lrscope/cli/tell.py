"""What a command says beside its answer: errors as words, and asides."""

from __future__ import annotations

import sys

from lrscope.core.errors import Interrupted, LrscopeError

_printed = True
_last: LrscopeError | None = None


def tell(error: LrscopeError | Interrupted) -> int:
    """Print an error, each of its lines marked as one; its exit code."""
    global _last
    if isinstance(error, LrscopeError):
        _last = error
    if _printed:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
    return error.exit_code


def print_errors(printed: bool) -> None:
    """For a new command: whether errors are printed, or kept for the one who called it from Python."""
    global _printed, _last
    _printed, _last = printed, None


def last_error() -> LrscopeError | None:
    """What was told last since the command began."""
    return _last


def print_aside(words: str) -> None:
    """Print what is said about the answer, and is no part of it."""
    print(words, file=sys.stderr)
