"""What is wrong with how a find was asked for: keys that nothing would read, and what a find cannot go with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lrscope.core.command_words import is_from_python
from lrscope.core.errors import Problem
from lrscope.core.run_facts import RATE_KEYS

OFF = "find=off"


def find_problems(config: Any, typed: Sequence[str]) -> list[Problem]:
    """Of a whole command.

    Args:
        config: Hydra's own part is in it.
        typed: the overrides that are not Hydra's own.
    """
    words = [word.lstrip("+") for word in typed]
    about = [word for word in words if word.startswith(("find=", "find.")) and word != OFF]
    if str(config.hydra.mode).endswith("MULTIRUN"):
        rule, remedy = "finds the rate of one run, and this is a sweep", "Leave out -m and what is swept, or find."
        remedy = "Call lrscope.find(…) for one run, or leave it out." if is_from_python() else remedy
        return [_problem(word, rule, remedy) for word in about]
    if not config.find.enabled:
        return [_problem(word, "has an effect with find=on only", "Add find=on, or leave it out.") for word in about]
    return list(_beside_a_find(words))


def _beside_a_find(words: Sequence[str]) -> Iterator[Problem]:
    for word in words:
        key, _, value = word.partition("=")
        if key in RATE_KEYS:
            yield _problem(word, "find=on looks for the rate", "Leave one of the two out.")
        elif key == "resume" and value != "null":
            yield _problem(word, "a find is not resumed, it begins anew", "Leave one of the two out.")


def _problem(word: str, rule: str, remedy: str) -> Problem:
    key, _, value = word.partition("=")
    return Problem(key, value, rule, remedy)
