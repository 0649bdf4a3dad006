"""Makes what a config names by ``_target_``: the only user of Hydra's instantiate; failures become plain words."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Sequence
from inspect import Parameter, signature
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from lrscope.core.errors import InputError, Problem


def instantiated(
    key: str, group: DictConfig, kind: type | None = None, *, _positional: tuple[Any, ...] = (), **arguments: Any
) -> Any:
    """What a group of the config names by ``_target_``, called with the group's other keys.

    Args:
        key: the group's name, for the words of a problem.
        kind: what it must be.

    Raises:
        InputError: it cannot be imported, its arguments do not fit, or it raised.
    """
    target = str(group.get("_target_"))
    given = [str(name) for name in group if not str(name).startswith("_")]
    if found := _call_problems(key, target, kind, len(_positional), [*given, *arguments], group):
        raise InputError(found)
    try:
        made = instantiate(group, *_positional, **arguments, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        rule = f"cannot be made ({reason_of(cause if cause is not None else error)})"
        remedy = f"It was given {', '.join(f'{name}={group[name]}' for name in given) or 'no arguments'}."
        raise InputError(Problem(f"{key}._target_", target, rule, remedy)) from error
    if kind is not None and not isinstance(made, kind):
        raise InputError(_wrong_kind(key, target, f"gave a {type(made).__name__}", kind))
    return made


def _call_problems(
    key: str, target: str, kind: type | None, positional: int, given: Iterable[str], group: DictConfig
) -> list[Problem]:
    """What keeps a class or function from being called: it is not there, or its arguments do not fit."""
    try:
        named_thing = pkgutil.resolve_name(target)
        if kind is not None and isinstance(named_thing, type) and not issubclass(named_thing, kind):
            return [_wrong_kind(key, target, "is another kind of class", kind)]
        parameters = list(signature(named_thing).parameters.values())
    except (ImportError, AttributeError) as error:
        remedy = "Write package.module.Class; a module of your own lies beside train.py or on PYTHONPATH."
        return [Problem(f"{key}._target_", target, f"cannot be imported ({reason_of(error)})", remedy)]
    except (TypeError, ValueError):
        return []  # nothing to be known, or Hydra's own shorthand: instantiate tells
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    left = [p for i, p in enumerate(named) if i >= positional or p.kind == p.KEYWORD_ONLY]
    names, given = [p.name for p in left], set(given)
    problems = [
        Problem(f"{key}.{p.name}", "", f"is missing, {target} needs it", f"Add +{key}.{p.name}=VALUE.")
        for p in left
        if p.default is p.empty and p.name not in given
    ]
    if not any(p.kind == p.VAR_KEYWORD for p in parameters):
        problems += [
            Problem(f"{key}.{name}", str(group.get(name)), f"{target} takes no such argument", _words_for(names))
            for name in sorted(given - set(names))
        ]
    return problems


def _wrong_kind(key: str, target: str, what: str, kind: type) -> Problem:
    return Problem(f"{key}._target_", target, what, f"{key} needs a {kind.__module__}.{kind.__name__}.")


def _words_for(names: Sequence[str]) -> str:
    return f"It takes {', '.join(names)}." if names else "It takes none."


def reason_of(error: BaseException) -> str:
    """An error in a few words, with the line of a user's own code that raised it."""
    words = (str(error) or type(error).__name__).splitlines()[0].rstrip(". ")
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace is not None else ""
    if trace is None or "site-packages" in file or "lrscope" in file or file.startswith("<") or "/lib/python" in file:
        return words
    return f"{type(error).__name__}: {words}; {file}, line {trace.tb_lineno}"


def accepts(group: DictConfig, argument: str) -> bool:
    """Whether what the group names has a parameter of that name."""
    return argument in {parameter.name for parameter in _parameters(group)}


def takes(group: DictConfig, argument: str) -> bool:
    """Whether that argument can be given to what the group names; true where that cannot be known."""
    parameters = _parameters(group)
    return not parameters or any(p.name == argument or p.kind == p.VAR_KEYWORD for p in parameters)


def _parameters(group: DictConfig) -> list[Parameter]:
    try:
        return list(signature(pkgutil.resolve_name(group._target_)).parameters.values())
    except (TypeError, ValueError, ImportError, AttributeError):
        return []
