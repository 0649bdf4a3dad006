"""A file or folder of the user's: where it lies, and how a problem of it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lrscope.core.errors import InputError, Problem


def given(path: str | None, kind: str, example: str, *, folder: bool = False, key: str = "dataset.path") -> Path:
    """The file (or folder) of that name, from the folder the command was started in.

    Args:
        kind: the option of ``dataset``, for the words of a problem.
        example: a name that such a file may have.

    Raises:
        InputError: none was named, or it is not there.
    """
    what = "folder" if folder else "file"
    if not path:
        raise InputError(Problem(key, "null", f"dataset={kind} needs a {what}", f"Add {key}={example}."))
    found = Path(path).expanduser().absolute()
    if (folder and found.is_dir()) or (not folder and found.is_file()):
        return found
    rule = f"is no {what}" if found.exists() else f"there is no such {what}"
    shown = "" if str(found) == path else f" (looked for {found})"
    raise InputError(Problem(key, path, rule + shown, _near(found)))


def refuse(file: Path, rule: str, remedy: str, key: str = "dataset.path") -> NoReturn:
    """Tell what is wrong with a file.

    Raises:
        InputError: always.
    """
    raise InputError(Problem(key, str(file), rule, remedy))


def check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    """Raise an InputError where a value is none of the choices."""
    if value not in choices:
        raise InputError(Problem(key, str(value), f"must be one of {', '.join(choices)}", f"Try {key}={choices[0]}."))


def _near(missing: Path) -> str:
    """What lies where it was looked for, of the same kind."""
    remedy = "Relative paths are taken from the folder that the command is started in."
    if not missing.parent.is_dir():
        return remedy
    beside = sorted(path.name for path in missing.parent.iterdir() if path.suffix == missing.suffix)[:5]
    return f"{remedy} There are {', '.join(beside)}." if beside and missing.suffix else remedy
