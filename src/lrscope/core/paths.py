"""Where the project lies, so that a command works from whatever folder it was started in."""

from __future__ import annotations

import os
from pathlib import Path


def checkout() -> Path:
    """The folder of ``train.py`` and its git repository; the working folder where the package is installed alone."""
    folder = Path(__file__).resolve().parents[3]
    return folder if (folder / "train.py").is_file() else Path.cwd()


def project_root() -> Path:
    """The folder that records (``mlflow.db``, ``mlruns``, ``outputs``) and data lie in: ``LRSCOPE_ROOT``, else the
    checkout.
    """
    chosen = os.environ.get("LRSCOPE_ROOT")
    return Path(chosen).resolve() if chosen else checkout()


def conf_folder() -> Path:
    """The folder of the YAML files: that of ``LRSCOPE_ROOT`` where it has one, else the checkout's."""
    own = project_root() / "conf"
    return own if (own / "train.yaml").is_file() else checkout() / "conf"


def resolve(path: str | os.PathLike[str]) -> Path:
    """An absolute path: relative ones are taken from the project's root, ``~`` from the user's home."""
    expanded = Path(path).expanduser()
    return expanded if expanded.is_absolute() else project_root() / expanded
