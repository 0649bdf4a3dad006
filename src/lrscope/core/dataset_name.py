"""What a set of data is called: the name of its group, or of the user's own function that took the group's place."""

from __future__ import annotations

FIXED = frozenset({"digits", "line", "blobs", "signs", "fingers"})
"""Names that the files of ``conf/dataset`` give to one set of data each."""


def dataset_name(target: str | None, name: str | None) -> str | None:
    """``rings`` for ``dataset._target_=mine.rings``, where ``name`` is still that of the group that was replaced.

    Args:
        target: the dotted path of what makes the data, or None.
        name: ``dataset.name``, or None where the configuration has none.

    Returns:
        The given name, unless it is that of a data set of ours and ``target`` makes another one (``mine.load_digits``
        may well be the digits); None if nothing is known.
    """
    maker = (target or "").rpartition(".")[2]
    if maker and (not name or (name in FIXED and name not in maker.lower())):
        return maker
    return name or None
