"""Names without the folder that all of them lie in: ``strategies/fixed`` beside ``strategies/plateau`` is ``fixed``."""

from __future__ import annotations

from collections.abc import Sequence


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """The same names in the same order; whole where there is one alone, or they do not all lie in one folder."""
    folders = {name.rpartition("/")[0] for name in names}
    if len(names) < 2 or len(folders) > 1:
        return tuple(names)
    return tuple(name.rpartition("/")[2] for name in names)
