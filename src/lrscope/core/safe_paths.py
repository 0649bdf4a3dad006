"""Names that came from outside (a store, a journal made elsewhere) never lead out of their folder."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from lrscope.core.errors import InputError, Problem

_UNSAFE = re.compile(r"[^A-Za-z0-9._=+-]+")
_LOCAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def safe_join(folder: Path, name: str) -> Path:
    """``folder/name`` with links resolved, which lies inside ``folder``.

    Raises:
        InputError: the name is absolute, climbs out by ``..``, or passes through a link that leads out.
    """
    base = folder.resolve()
    plain = not (set(name) & {"\0", "\\"} or PurePosixPath(name).is_absolute())
    joined = (base / name).resolve() if plain else base
    if not plain or not joined.is_relative_to(base):
        raise InputError(Problem("artifact", name, "leads out of its folder", "It was not read."))
    return joined


def check_local_id(local_id: str) -> str:
    """The id itself; it is used as a folder's name.

    Raises:
        InputError: it holds anything but letters, digits, dot, dash and underscore, or begins with a dot.
    """
    if not _LOCAL_ID.fullmatch(local_id):
        raise InputError(Problem("run id", local_id, "is no id of a run", "Ids are letters, digits, '.', '_' and '-'."))
    return local_id


def folder_name(name: str) -> str:
    """A folder's name for any text, e.g. an experiment's: what is not plain becomes ``_``."""
    plain = _UNSAFE.sub("_", name).strip(".")[:100]
    return plain or "_"
