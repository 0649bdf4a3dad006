"""What comes out of a store or a journal is data from outside: the one place that says what is believed of it.

A tracking store is shared, and a journal may have been copied from another machine. Ids are ids, numbers are numbers,
a text steers no terminal, a name leads to no place outside its folder; what is none of that is left out, and the rest
goes on. Two doors bring everything in, and look at it here:

    tracking/mlflow_store/checked_client.py    runs, experiments, metrics, artifacts of a store
    tracking/journal/events.py, journal.py     lines and offsets of a journal

JSON within a tag is read by ``strings``, ``numbers`` and ``entries``. ``tests/test_architecture.py`` holds that nobody
else opens a client of MLflow's or reads JSON that others wrote.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.plain_text import written_out

LARGEST_STEP = 2**53
"""Counts beyond this are no counts: a float64 cannot tell them apart."""
LONGEST_TEXT = 20_000
"""More than MLflow takes of a tag or a param."""
LATEST_MS = 253_402_300_799_000
"""The last millisecond of the year 9999."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._=+-]+")
_LOCAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_RUN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


def is_id(value: object) -> bool:
    """Whether it can be MLflow's id of a run or an experiment: it is put into queries, links and names of files."""
    return isinstance(value, str) and _RUN_ID.fullmatch(value) is not None


def line(value: object) -> str:
    """A name, or another text of one line; what would steer a terminal is written out."""
    return " ".join(text(value).split("\n"))


def text(value: object) -> str:
    """A text of any number of lines; what would steer a terminal is written out, and no more of it than is sane."""
    return written_out(str(value)[:LONGEST_TEXT].replace("\r\n", "\n")) if value is not None else ""


def number(value: object) -> float | None:
    """A float64, also nan and inf; None where it is no number."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def finite(value: object, otherwise: float = 0.0) -> float:
    """A number that is not nan or inf."""
    found = number(value)
    return found if found is not None and math.isfinite(found) else otherwise


def setting(value: object) -> float | None:
    """The number that a setting has; None for words, nan, inf, and what is so large that its square is infinite: no run
    was trained at that, and what is drawn or computed of it would not be finite.
    """
    found = number(value)
    return found if found is not None and math.isfinite(found * found) else None


def whole(value: object, low: int = 0, high: int = LARGEST_STEP) -> int | None:
    """A whole number from ``low`` to ``high``, also one that is written as text; None where it is none."""
    found = number(value)
    if found is None or not math.isfinite(found) or found != int(found) or not low <= found <= high:
        return None
    return int(found)


def parsed(stored: object) -> Any:
    """What JSON of a store says; None where it is none."""
    if not isinstance(stored, str | bytes):
        return None
    try:
        return json.loads(stored)
    except (ValueError, RecursionError):
        return None


def strings(stored: object) -> tuple[str, ...]:
    """A list of texts, kept as JSON; empty where it is none."""
    found = parsed(stored)
    return tuple(line(item) for item in found) if isinstance(found, list) else ()


def numbers(stored: object) -> dict[str, float]:
    """Numbers by name, kept as JSON; what is no number is left out."""
    named = {line(key): number(value) for key, value in entries(stored).items()}
    return {key: value for key, value in named.items() if value is not None}


def entries(stored: object) -> Mapping[str, Any]:
    """A mapping, kept as JSON; empty where it is none."""
    found = parsed(stored)
    return found if isinstance(found, dict) else {}


def safe_join(folder: Path, name: str) -> Path:
    """``folder/name`` with links resolved, which lies inside ``folder``.

    Raises:
        InputError: the name is absolute, climbs out by ``..``, or passes through a link that leads out.
    """
    base = folder.resolve()
    plain = not (set(name) & {"\0", "\\"} or PurePosixPath(name).is_absolute())
    try:
        joined = (base / name).resolve() if plain else base
    except (OSError, RuntimeError, ValueError):  # links in a circle; no text of a path
        plain = False
    if not plain or not joined.is_relative_to(base):
        raise InputError(Problem("artifact", name, "leads out of its folder", "It was not read."))
    return joined


def is_artifact_name(name: object) -> bool:
    """Whether it can be a file's or folder's place among the artifacts of a run: below them, and plain to read."""
    if not isinstance(name, str) or len(name) > 1000 or written_out(name) != name or set(name) & set("\\\n\t"):
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "://" not in name and name[1:2] != ":"


def is_local_id(value: object) -> bool:
    """Whether it can be lrscope's own id of a run; it is used as a folder's name."""
    return isinstance(value, str) and _LOCAL_ID.fullmatch(value) is not None


def check_local_id(local_id: str) -> str:
    """The id itself.

    Raises:
        InputError: it holds anything but letters, digits, dot, dash and underscore, or begins with a dot.
    """
    if not is_local_id(local_id):
        raise InputError(Problem("run id", local_id, "is no id of a run", "Ids are letters, digits, '.', '_' and '-'."))
    return local_id


def folder_name(name: str) -> str:
    """A folder's name for any text, e.g. an experiment's: what is not plain becomes ``_``."""
    plain = _UNSAFE.sub("_", name).strip(".")[:100]
    return plain or "_"
