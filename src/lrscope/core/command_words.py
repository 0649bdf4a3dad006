"""How a user types a command: as the files of a checkout, or as the subcommands of an installed package."""

from __future__ import annotations

from lrscope.core.paths import is_checkout


def train_command() -> str:
    """``python train.py`` in a checkout, else ``lrscope train``."""
    return "python train.py" if is_checkout() else "lrscope train"


def command(name: str) -> str:
    """``make NAME`` in a checkout, else ``lrscope NAME``: both are the same function."""
    return f"make {name}" if is_checkout() else f"lrscope {name}"


def script(name: str) -> str:
    """``python scripts/NAME.py`` in a checkout, else ``lrscope NAME``, where options follow."""
    return f"python scripts/{name}.py" if is_checkout() else f"lrscope {name}"
