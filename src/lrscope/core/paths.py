"""Where the project lies, so that a command works from whatever folder it was started in."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from lrscope.core.errors import InputError, Problem


def is_checkout() -> bool:
    """Whether this lrscope lies in its own project, beside ``train.py``, and is not an installed package."""
    return (_above_the_source() / "train.py").is_file()


def _above_the_source() -> Path:
    return Path(__file__).resolve().parents[3]


@cache
def _started_in() -> Path:
    """The working folder when first asked: nothing that is called later moves the records."""
    return Path.cwd()


def checkout() -> Path:
    """The folder of ``train.py`` and its git repository; of an installed package the folder it was started in."""
    return _above_the_source() if is_checkout() else _started_in()


def project_root() -> Path:
    """The folder that records (``mlflow.db``, ``mlruns``, ``outputs``) and data lie in: ``LRSCOPE_ROOT``, else the
    checkout.

    Raises:
        InputError: there is something of that name, and it is no folder.
    """
    chosen = os.environ.get("LRSCOPE_ROOT")
    if not chosen:
        return checkout()
    root = Path(os.path.realpath(chosen))
    if root.exists() and not root.is_dir():
        raise InputError(Problem("LRSCOPE_ROOT", chosen, "is no folder", "Name one, or unset it."))
    return root


def shipped_conf() -> Path:
    """The folder of lrscope's own YAML files: in the checkout, or inside the installed package."""
    return _above_the_source() / "conf" if is_checkout() else Path(__file__).resolve().parents[1] / "conf"


def conf_folders() -> list[Path]:
    """Where YAML files are looked for, the first one first: ``conf`` of the project, where there is one, then
    lrscope's own.
    """
    own, shipped = project_root() / "conf", shipped_conf()
    return [own, shipped] if own.is_dir() and own.resolve() != shipped.resolve() else [shipped]


def resolve(path: str | os.PathLike[str]) -> Path:
    """An absolute path: relative ones are taken from the project's root, ``~`` from the user's home."""
    expanded = Path(path).expanduser()
    return expanded if expanded.is_absolute() else project_root() / expanded


def find_the_users_modules() -> None:
    """Modules in the folder that the command was started in, and in the project's root, can be imported; of two of one
    name the one in the folder that the command was started in.
    """
    for folder in (str(project_root()), str(Path.cwd())):
        if folder not in sys.path:
            sys.path.insert(0, folder)
