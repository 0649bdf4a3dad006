"""The words of a command line before Hydra reads them: options go first, and what only looks like one is refused."""

from __future__ import annotations

from argparse import Action
from collections.abc import Mapping, Sequence

from lrscope.config.suggest import SYNONYMS
from lrscope.core.errors import InputError, Problem


def options_first(words: Sequence[str], options: Mapping[str, Action]) -> list[str]:
    """The words with Hydra's options ahead of the overrides: argparse refuses overrides on both sides of one.

    Args:
        options: by their names, ``-m`` as well as ``--multirun``.

    Raises:
        InputError: a word that begins with a dash and is no option, as ``--lr=0.1`` or ``-lr 0.1``.
    """
    first: list[str] = []
    overrides: list[str] = []
    problems: list[Problem] = []
    left = list(words)
    while left:
        word = left.pop(0)
        option = _option(word, options)
        if option is not None:
            alone = "=" not in word and word in option.option_strings
            if alone and option.nargs == "?" and not _wants(option, left):
                word = f"{option.option_strings[0]}={option.const}"  # else it would take the first override
            first.append(word)
            if alone and _wants(option, left):
                first.append(left.pop(0))
            problems += _wrong_value(option, first[-1], alone)
        elif word.startswith("-"):
            problems.append(_no_option(word, left))
        else:
            overrides.append(word)
    problems += [*_torn(overrides), *_unchecked(overrides)]
    if problems:
        raise InputError(problems)
    return [*first, *overrides]


CHECKS = ("hydra.callbacks", "hydra.callbacks.sweep")
"""Keys of what checks a command before anything trains, and keeps a sweep together."""


def _unchecked(words: Sequence[str]) -> list[Problem]:
    gone = [word for word in words if word.startswith("~") or word.partition("=")[2] == "null"]
    keys = [word.lstrip("~").partition("=")[0] for word in gone]
    return [Problem(key, "", "checks what is about to train", "Leave it in.") for key in keys if key in CHECKS]


def _torn(words: list[str]) -> list[Problem]:
    """Overrides that spaces tore into pieces: ``lr = 0.1``, ``lr =0.1``, ``lr= 0.1`` and ``lr 0.1``."""
    found: list[Problem] = []
    last = ""
    for word in words:
        begins = last and last[0].isalpha() and ("=" not in last or last.endswith("="))
        if begins and (word.startswith("=") or "=" not in word):
            last += word if word.startswith("=") or last.endswith("=") else f"={word}"
            if not last.endswith("="):
                found.append(Problem(last.replace("=", " = ", 1), "", "has spaces in it", f"Write {last}."))
                last = ""
        else:
            last = word
    return found


def _option(word: str, options: Mapping[str, Action]) -> Action | None:
    """The option that a word names: whole, a long one cut short, or a short one with its value right behind it."""
    name, has_value, _ = word.partition("=")
    if name in options:
        return options[name]
    if word.startswith("--"):
        return next((action for long, action in options.items() if len(name) > 3 and long.startswith(name)), None)
    short = options.get(word[:2])
    return short if short is not None and short.nargs != 0 and not has_value and len(word) > 2 else None


def _wants(option: Action, left: Sequence[str]) -> bool:
    """Whether the next word is the option's value."""
    if option.nargs == 0 or not left:
        return False
    return option.nargs != "?" or left[0] in (option.choices or ())


def _wrong_value(option: Action, last: str, alone: bool) -> list[Problem]:
    """Of an option that takes one: it has none, or another than it knows."""
    name, value = option.option_strings[0], last.rpartition("=")[2]
    if not alone and not last.startswith("--"):
        value = last[2:].removeprefix("=")  # -cjob
    if option.nargs == 0:
        return []
    if alone and last in option.option_strings:
        value = ""
    elif option.choices is None or value in option.choices:
        return []
    if option.choices is not None:
        choices = [str(choice) for choice in option.choices]
        return [Problem(name, value, f"must be one of {', '.join(choices)}", f"Try {name} {choices[0]}.")]
    return [Problem(name, value, "needs a value", "--hydra-help tells of it.")]


def _no_option(word: str, left: list[str]) -> Problem:
    """A key that was written as other programs want it; its value may be the next word, which it takes along."""
    name, _, value = word.lstrip("-").partition("=")
    key = name.replace("-", "_")
    key = SYNONYMS.get(key, key)
    if not value and left and not left[0].startswith("-") and "=" not in left[0]:
        value = left.pop(0)
    remedy = f"Write {key}={value or 'VALUE'}, without dashes."
    if not key[:1].isalpha():
        remedy = "Write key=value, without a space."
    return Problem(word, "", "there is no such option", f"{remedy} --help tells what there is.")
