"""What every script has around its work: an output that may fail, errors as words, Ctrl-C without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps

from lrscope.core.errors import Interrupted, LrscopeError
from lrscope.core.std_streams import spare_the_command


def script(main: Callable[[], int]) -> Callable[[], int]:
    """The main function of a script, which returns its exit code: 2 for what the user got wrong, 130 after Ctrl-C."""

    @wraps(main)
    def told() -> int:
        spare_the_command()
        try:
            return main()
        except (LrscopeError, Interrupted) as error:
            return tell(error)
        except KeyboardInterrupt:
            return 130

    return told


def tell(error: LrscopeError | Interrupted) -> int:
    """Print an error, each of its lines marked as one; its exit code."""
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return error.exit_code


def print_aside(words: str) -> None:
    """Print what is said about the answer, and is no part of it."""
    print(words, file=sys.stderr)
