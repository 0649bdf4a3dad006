"""What is typed of the options of a group and cannot be meant: several of them, or one without its class."""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.core.errors import Problem

ONE_OPTION = (
    *("dataset", "model", "loss", "optimizer", "scheduler"),
    *("trainer", "callbacks", "tracking", "search", "find"),
)


def several_options(typed: Sequence[str]) -> list[Problem]:
    """Lists of options for a group of which one is meant: Hydra would lay them over each other."""
    found = []
    for word in typed:
        key, _, value = word.partition("=")
        if key in ONE_OPTION and value.startswith("[") and "," in value:
            remedy = f"Choose one, or sweep over them: -m {key}={value[1:-1]}."
            found.append(Problem(key, value, "takes one option, and these would be laid over each other", remedy))
    return found


CLASSLESS = {"loss": ("auto",), "scheduler": ("constant", "strategies/fixed")}
"""The groups that have options without a class, and which these are."""


def without_class(typed: Sequence[str]) -> list[Problem]:
    """``loss=huber loss._target_=null``: the loss would be that of the task, and its delta for nothing."""
    words = dict(word.lstrip("+").partition("=")[::2] for word in typed)
    found = []
    for group, options in CLASSLESS.items():
        key, chosen = f"{group}._target_", words.get(group, options[0])
        if words.get(key) == "null" and chosen not in options:
            rule = f"takes {group}={chosen} its class, and nothing would be left of it"
            found.append(Problem(key, "null", rule, f"Leave it out, or choose {group}={options[0]}."))
    return found
