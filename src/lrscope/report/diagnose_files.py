"""Verdicts of runs that other programs left in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lrscope.core.errors import InputError, Problem
from lrscope.diagnosis import canonical, diagnose, note
from lrscope.report.data.curve_files import curve_files, read_curves
from lrscope.report.diagnose_stored import StoredDiagnosis


def diagnose_files(
    place: Path, columns: Mapping[str, str] | None = None, tell: Callable[[str], None] = lambda _: None
) -> tuple[StoredDiagnosis, ...]:
    """The diagnosis of each run in a file or folder; ``run_id`` is its path.

    Args:
        columns: see :func:`read_curves`.
        tell: told which columns were taken, and which files of a folder were left out.

    Raises:
        InputError: the file cannot be read or has no loss, or no file of the folder has.
    """
    found: list[StoredDiagnosis] = []
    for path in curve_files(place):
        try:
            read = read_curves(path, columns)
        except InputError as problem:
            if path == place:
                raise
            tell(f"left out: {problem}")
            continue
        tell(f"{path}: {read.taken}")
        trace = canonical(read.trace)
        name = str(path.relative_to(place)) if path != place else path.name
        diagnosis = diagnose(trace)
        found.append(StoredDiagnosis(str(path), name, diagnosis, note(diagnosis, trace), trace))
    if not found:
        raise InputError(Problem("diagnose", str(place), "has no file with a training loss", "Name the file itself."))
    return tuple(found)
