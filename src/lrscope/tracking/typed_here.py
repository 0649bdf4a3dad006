"""Which command began a run, by the word of this machine's own record and not of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lrscope.tracking.liveness.typed_words import typed_words


def typed_here(root: Path, local_id: str, sweep: str = "") -> tuple[str, ...]:
    """The words of the command that began a run or a sweep; none where another machine recorded it.

    Args:
        root: the folder of the journals.
        sweep: the local id of the sweep that the run is a member of: its words are the member's, one value of each.
    """
    return (*typed_words(root, local_id), *_of_members(typed_words(root, sweep)))


def _of_members(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        key, _, values = word.partition("=")
        yield word
        yield from (f"{key}={value}" for value in values.split(",") if value != values)
