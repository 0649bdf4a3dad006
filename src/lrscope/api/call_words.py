"""A call's arguments as the words that the same command would have on the command line."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lrscope.core.errors import InputError, Problem


def train_words(overrides: Iterable[str], values: Mapping[str, Any]) -> list[str]:
    """The words of one run.

    Args:
        overrides: as typed: ``"model=cnn"``, ``"+model.width=3"``.
        values: by key, where ``optimizer__weight_decay`` stands for ``optimizer.weight_decay``. A mapping sets several
            keys of a group, a class or function becomes its ``_target_``, a list is one value.

    Raises:
        InputError: a value that no command line can say.
    """
    return [*overrides, *(f"{key}={_word(key, value)}" for key, value in _leaves(values))]


def sweep_words(overrides: Iterable[str], values: Mapping[str, Any]) -> list[str]:
    """The words of a sweep: as for one run, but the items of a list are the values of a swept axis, and a pair of
    numbers is an interval that is searched: ``(1e-5, 10)``; of two whole numbers, in whole numbers.

    Raises:
        InputError: a value that no command line can say, an axis without values, or a tuple that is no pair of numbers.
    """
    words = ["-m", *overrides]
    for key, value in _leaves(values):
        if isinstance(value, tuple):
            words.append(f"{key}={_interval(key, value)}")
            continue
        items = list(value) if _is_axis(value) else [value]
        if not items:
            raise InputError(Problem(key, "[]", "has no value to sweep over", f"Use e.g. {key}=[0.1, 0.01]."))
        words.append(f"{key}={','.join(_word(key, item) for item in items)}")
    return words


def _interval(key: str, ends: tuple[Any, ...]) -> str:
    texts = [_word(key, end) for end in ends]
    numbers = [end for end in ends if isinstance(end, (int, float)) or hasattr(end, "item")]
    if len(numbers) != 2 or len(ends) != 2 or any(isinstance(end, bool) for end in ends):
        rule = "a tuple is an interval, from a number to a higher one"
        raise InputError(Problem(key, str(ends), rule, f"Use {key}=(1e-5, 10), or a list: {key}=[…]."))
    found = f"interval({','.join(texts)})"
    return f"int({found})" if all(isinstance(end, int) for end in ends) else found


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = above + str(name).replace("__", ".")
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{key}.")
        elif callable(value) or (isinstance(value, list) and value and all(callable(item) for item in value)):
            yield f"{key}._target_", value
        else:
            yield key, value


def _is_axis(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def _word(key: str, value: Any) -> str:
    """A value in Hydra's grammar."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()  # a number of numpy or torch
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value) if isinstance(value, int) or math.isfinite(value) else str(value)
    if callable(value):
        return _importable(key, value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_word(key, item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_word(key, item)}" for name, item in value.items()) + "}"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """A string that Hydra takes as one, whatever signs are in it. Plain words stay as they are typed."""
    plain = text and all(sign.isalnum() or sign in "_-./:${}" for sign in text)
    if plain:
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _importable(key: str, thing: Any) -> str:
    """The name under which a class or function is found again, in a resumed run too.

    Raises:
        InputError: it has none.
    """
    name = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is not thing:
        rule = "is found under no name: made within a function, a lambda or a finished object"
        remedy = "Give a class or function that stands at the top of a module, and its arguments by key."
        raise InputError(Problem(key.removesuffix("._target_"), name.strip(".") or repr(thing), rule, remedy))
    return name
