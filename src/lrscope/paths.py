"""Where the project lies, so that a command works from whatever folder it was started in."""

from __future__ import annotations

import os
from pathlib import Path


def project_root() -> Path:
    """The folder of ``train.py`` and ``conf``: ``LRSCOPE_ROOT``, else this checkout, else the working folder."""
    if chosen := os.environ.get("LRSCOPE_ROOT"):
        return Path(chosen).resolve()
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "train.py").is_file() else Path.cwd()


def resolve(path: str | os.PathLike[str]) -> Path:
    """An absolute path: relative ones are taken from the project's root, ``~`` from the user's home."""
    expanded = Path(path).expanduser()
    return expanded if expanded.is_absolute() else project_root() / expanded
