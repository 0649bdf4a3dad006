"""A pretrained network by its name: a folder that transformers has saved, or a name of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve

SECONDS = 5.0
"""How long the hub is waited for. Its own client tries for half a minute before it says that there is no network."""

OF_A_FOLDER = "Name a folder of save_pretrained; relative paths are taken from the folder the command is started in."
OF_THE_HUB = "Connect once to fetch it, or name a folder of save_pretrained."

T = TypeVar("T")


def loaded_by_name(name: str | None, key: str, load: Callable[[str, bool], T]) -> T:
    """What ``load`` makes of a folder, or of what the hub has by that name. What was fetched before is taken from
    this machine, and the hub is not asked for it.

    Args:
        key: the key that names it.
        load: is given the folder or the name, and whether it has to do with the files of this machine.

    Raises:
        InputError: there is no such folder, it holds nothing of the kind, or the hub does not give it.
    """
    if not name:
        remedy = f"Add {key}=FOLDER (of save_pretrained), or a name of the Hugging Face hub."
        raise InputError(Problem(key, "null", "names no pretrained network", remedy))
    folder = resolve(name)
    if not folder.is_dir() and (folder.exists() or name.startswith((".", "/", "~"))):
        _refuse(key, name, "there is no such folder", OF_A_FOLDER)
    try:
        return load(str(folder) if folder.is_dir() else name, True)
    except Exception as error:
        if folder.is_dir() or not isinstance(error, OSError):  # OSError: it was not fetched yet
            what = "is a folder that cannot" if folder.is_dir() else "cannot"
            _refuse(key, name, f"{what} be loaded ({in_brief(error)})", OF_A_FOLDER)
    if why := not_of_the_hub(name):
        _refuse(key, name, f"there is no such folder, and the Hugging Face hub does not give it ({why})", OF_THE_HUB)
    try:
        return load(name, False)
    except Exception as error:
        _refuse(key, name, f"cannot be loaded ({in_brief(error)})", OF_THE_HUB)


def not_of_the_hub(name: str) -> str | None:
    """Why the hub does not give what has that name, told after seconds at most; None where it does."""
    try:
        from huggingface_hub import HfApi

        HfApi().model_info(name, timeout=SECONDS)
    except Exception as error:  # of the network, the hub, an offline mode: each has a class of its own
        return in_brief(error)
    return None


def in_brief(error: Exception) -> str:
    """The first line of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(". ")


def _refuse(key: str, name: str, rule: str, remedy: str) -> NoReturn:
    raise InputError(Problem(key, name, rule, remedy))
