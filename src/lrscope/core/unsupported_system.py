"""Where no command can run: journals rest on locks, signals and files as POSIX has them."""

from __future__ import annotations

from lrscope.core.errors import InputError, Problem


def refuse_windows() -> None:
    """Raises:
    InputError: always.
    """
    rule = "has neither the file locks nor the signals that a record rests on"
    raise InputError(Problem("system", "Windows", rule, "Use WSL: Linux within Windows, where everything works."))
