"""A YAML file that cannot be read or composed: which one, and what is wrong with it, in a line."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import FrameType

from lrscope.core.errors import InputError, Problem

_COMPOSES = "config_loader_impl.py"
"""Hydra's module through which every file goes that is composed."""


def _no_option(error: BaseException, frames: list[tuple[FrameType, int]]) -> Problem | None:
    """A group of the command line that was given a value and no option: ``trainer=null``."""
    override = frames[-1][0].f_locals.get("override")
    if override is None or not str(error).startswith("Config group override must be"):
        return None
    rule, remedy = "must name one of the group's options", "Leave it out, or choose one that --help lists."
    return Problem(override.key_or_group, override.get_value_element_as_str(), rule, remedy)


def hydras_own(error: BaseException, words: Sequence[str]) -> InputError | None:
    """What Hydra, or what it launches by, raises on settings that nobody checks; None where none was typed.

    Args:
        words: the command line.
    """
    if isinstance(error, BrokenExecutor):  # a worker that was killed: no setting is to blame
        return None
    frames = list(traceback.walk_tb(error.__traceback__))
    typed = [word for word in words if word.lstrip("+~").startswith(("hydra.", "hydra/"))]
    if not typed or not frames or Path(frames[-1][0].f_code.co_filename).is_relative_to(Path(__file__).parents[1]):
        return None
    lines = str(error).splitlines()
    reason = f"{type(error).__name__}: {lines[0].rstrip('. ')}" if lines else type(error).__name__
    return InputError(Problem(" ".join(typed), "", f"Hydra cannot start so ({reason})", "Choose other settings."))


def broken_file(error: BaseException) -> InputError | None:
    """What an error says of a YAML file; None where it did not come up while Hydra composed files.

    Args:
        error: as it was caught; the files and lines of its traceback are looked at.
    """
    import yaml

    frames = list(traceback.walk_tb(error.__traceback__))
    if isinstance(error, InputError) or not any(Path(f.f_code.co_filename).name == _COMPOSES for f, _ in frames):
        return None
    if (typed := _no_option(error, frames)) is not None:
        return InputError(typed)
    paths = [str(f.f_locals["full_path"]) for f, _ in frames if "full_path" in f.f_locals]
    where, words = paths[-1] if paths else "conf", f"{type(error).__name__}: {error}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        where = f"{error.problem_mark.name}, line {error.problem_mark.line + 1}"
        words = error.problem or words
    elif isinstance(error, UnicodeDecodeError):
        words = f"is no text in UTF-8 (byte {error.start + 1})"
    elif isinstance(error, ValueError):
        words = str(error)
    return InputError(Problem(where, "", words.splitlines()[0].rstrip(". "), "Mend the file, or choose another."))
