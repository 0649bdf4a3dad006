"""A key that a command says twice: Hydra takes the last, and what was typed first has no effect."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lrscope.core.job import split_override


def typed_twice(typed: Sequence[str]) -> list[str]:
    """A line for each word that a later one for the same key replaces. The Makefile's targets rest on that:
    ``make sweep ARGS="lr=0.1,0.03"``.

    Args:
        typed: the overrides as the user wrote them.
    """
    last = {split_override(word)[0]: word for word in typed}
    words = [word for word in typed if not word.startswith("~")]  # which takes a key away for the next to put it anew
    replaced = dict.fromkeys(word for word in words if last[split_override(word)[0]] != word)
    return [f"{word} has no effect: {last[split_override(word)[0]]} comes after it" for word in replaced]


def say_typed_twice(typed: Sequence[str]) -> None:
    """Prints them, beside the results and not among them."""
    for line in typed_twice(typed):
        print(line, file=sys.stderr, flush=True)
