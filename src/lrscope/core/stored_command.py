"""The words of the command that began a run, in its tags: MLflow takes 8,000 characters of one, so long ones have
several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import count, takewhile

from lrscope.core.from_store import LONGEST_TEXT, line
from lrscope.core.tag_length import TAG_LENGTH

NAME = "lrscope.overrides"


def command_tags(words: Iterable[str]) -> dict[str, str]:
    """``lrscope.overrides``, and ``lrscope.overrides.2`` and so on where that is not enough."""
    text = json.dumps(list(words))
    return {
        _name(number): text[start : start + TAG_LENGTH]
        for number, start in enumerate(range(0, len(text), TAG_LENGTH), 1)
    }


def stored_command(tags: Mapping[str, str]) -> tuple[str, ...] | None:
    """The words again; None where they are not all there, as in stores of older versions, which cut them."""
    names = takewhile(tags.__contains__, map(_name, count(1)))
    try:
        # What is behind them belongs to an earlier command, which was longer.
        found, _ = json.JSONDecoder().raw_decode("".join(tags[name] for name in names))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or any(len(str(word)) > LONGEST_TEXT for word in found):
        return None
    return tuple(line(word) for word in found)


def _name(number: int) -> str:
    return NAME if number == 1 else f"{NAME}.{number}"
