"""Arguments of a class that no option's file lists, held against its annotations and defaults: Python would take
``optimizer.fused=maybe`` for true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import Parameter
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lrscope.core.as_typed import as_typed
from lrscope.core.errors import Problem

WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "one word", list: "a list"}
"""Kinds of values by what a rule calls them."""


def unlike_annotation(
    key: str, named_thing: Any, parameters: Iterable[Parameter], given: Mapping[str, Any]
) -> Iterator[Problem]:
    """The values that are of no kind which their argument takes, as far as its annotation or default tells.

    Args:
        key: of the group.
        parameters: of what is called.
        given: the group's values.
    """
    hints = _hints(named_thing)
    for parameter in parameters:
        value = given.get(parameter.name)
        kinds = _kinds(hints[parameter.name]) if parameter.name in hints else _kinds_of_default(parameter.default)
        if value is None or not kinds or _is_one_of(value, kinds):
            continue
        rule = f"must be {' or '.join(words for kind, words in WORDS.items() if kind in kinds)}"
        lone = kinds == {list} and not isinstance(value, (list, dict, bool))
        default, name = parameter.default, f"{key}.{parameter.name}"
        otherwise = "Leave it out." if default is None else f"Try {name}={as_typed(default)}."
        otherwise = "Write one." if default is parameter.empty else otherwise
        yield Problem(name, as_typed(value), rule, f"Write {name}=[{value}]." if lone else otherwise)


def _hints(named_thing: Any) -> dict[str, Any]:
    made_by = named_thing
    if isinstance(named_thing, type):
        made_by = next((vars(named_thing)[n] for n in ("__init__", "__new__") if n in vars(named_thing)), None)
        made_by = getattr(made_by, "__func__", made_by) or named_thing.__init__  # type: ignore[misc]
    try:
        return get_type_hints(made_by)
    except (Exception, SystemExit):  # names that only a type checker knows
        return {}


def _kinds(hint: Any) -> frozenset[type]:
    """The kinds of values that an annotation takes; none where a config's value may be anything."""
    if get_origin(hint) in (Union, UnionType):
        parts = [_kinds(part) for part in get_args(hint) if part is not NoneType and not _is_tensor(part)]
        return frozenset().union(*parts) if all(parts) else frozenset()
    if get_origin(hint) is Literal:
        return frozenset()  # what is not among them the class says
    if hint in (bool, int, float, str):
        return frozenset([hint])
    return frozenset([list]) if (get_origin(hint) or hint) in (list, tuple, Sequence) else frozenset()


def _kinds_of_default(default: Any) -> frozenset[type]:
    """Without an annotation a default that is true or false says what is meant; a number may stand for more."""
    if isinstance(default, bool):
        return frozenset([bool])
    return frozenset([float, list]) if isinstance(default, (int, float)) else frozenset()


def _is_one_of(value: Any, kinds: frozenset[type]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, (int, float)):
        whole = float(value).is_integer()
        return float in kinds or (int in kinds and whole) or (bool in kinds and value in (0, 1))
    if isinstance(value, dict):
        return "_target_" in value
    return (list if isinstance(value, (list, tuple)) else str) in kinds


def _is_tensor(hint: Any) -> bool:
    """Which no config can write down."""
    return getattr(hint, "__name__", "") in ("Tensor", "Parameter")
