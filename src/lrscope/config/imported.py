"""What a dotted name stands for. A module that fails is not run again by the same command."""

from __future__ import annotations

import pkgutil
from typing import Any

_failed: dict[str, BaseException] = {}


def imported(target: str) -> Any:
    """Raises whatever importing it raises: a user's module is run by that, and may even end the program."""
    if target in _failed:
        raise _failed[target]
    try:
        return pkgutil.resolve_name(target)
    except (Exception, SystemExit) as error:
        _failed[target] = error
        raise


def forget_failed_imports() -> None:
    """A command begins: the user may have mended the file."""
    _failed.clear()
