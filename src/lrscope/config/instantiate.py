"""Makes what a config names by ``_target_``: the only user of Hydra's instantiate; failures become plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from lrscope.config.imported import imported
from lrscope.config.like_annotation import unlike_annotation
from lrscope.config.nearest_class import nearest_class
from lrscope.config.suggest import did_you_mean, nearest_words
from lrscope.core.errors import InputError, Problem


def instantiated(
    key: str,
    group: DictConfig,
    kind: type | None = None,
    *,
    _positional: tuple[Any, ...] = (),
    _leaving: int = 0,
    **arguments: Any,
) -> Any:
    """What a group of the config names by ``_target_``, called with the group's other keys.

    Args:
        key: the group's name, for the words of a problem.
        kind: what it must be.
        _leaving: that many of a function's first arguments are given at each call; what is made is the function that
            waits for them.

    Raises:
        InputError: it cannot be imported, its arguments do not fit, or it raised.
    """
    target = str(group.get("_target_"))
    given = [str(name) for name in group if not str(name).startswith("_")]
    if found := _call_problems(key, target, kind, _leaving or len(_positional), [*given, *arguments], group):
        raise InputError(found)
    try:
        made = instantiate(group, *_positional, **arguments, _partial_=bool(_leaving), _convert_="all")
    except (InstantiationException, SystemExit) as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = reason_of(cause if cause is not None else error)
        if len(blamed := [name for name in given if _is_about(reason, name)]) == 1:
            words = f"{target} refuses it ({reason})"
            problem = Problem(f"{key}.{blamed[0]}", str(group[blamed[0]]), words, "Choose another value.")
            raise InputError(problem) from error
        rule = f"cannot be made ({reason})"
        remedy = f"It was given {', '.join(f'{name}={group[name]}' for name in given) or 'no arguments'}."
        raise InputError(Problem(f"{key}._target_", target, rule, remedy)) from error
    if kind is not None and not isinstance(made, kind):
        raise InputError(_wrong_kind(key, target, f"gave a {type(made).__name__}", kind))
    if hasattr(type(made), "register_parameter") and "_parameters" not in vars(made):
        rule = "its __init__ does not call super().__init__()"
        raise InputError(Problem(f"{key}._target_", target, rule, "Call it there, ahead of all else."))
    return made


_WORDS = {"lr": "learning rate", "eps": "epsilon", "betas": "beta parameter"}
"""What torch calls an argument in its errors, where that is not its name."""


def _is_about(reason: str, name: str) -> bool:
    return re.search(rf"(?<!\w){name}(?!\w)", reason) is not None or _WORDS.get(name, "\0") in reason


def _call_problems(
    key: str, target: str, kind: type | None, positional: int, given: Iterable[str], group: DictConfig
) -> list[Problem]:
    """What keeps a class or function from being called: it is not there, or its arguments do not fit."""
    if ":" in target:
        dotted = f"Write {key}._target_={target.replace(':', '.')}."
        return [Problem(f"{key}._target_", target, "is no name with dots alone", dotted)]
    try:
        named_thing = imported(target)
    except (Exception, SystemExit) as error:  # importing a user's module runs it
        rule = f"cannot be imported ({reason_of(error)})"
        return [Problem(f"{key}._target_", target, rule, _remedy_of_import(key, target, error))]
    if kind is not None and isinstance(named_thing, type) and not issubclass(named_thing, kind):
        return [_wrong_kind(key, target, "is another kind of class", kind)]
    try:
        parameters = list(signature(named_thing).parameters.values())
    except (TypeError, ValueError):
        return []  # nothing to be known: instantiate tells
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    left = [p for i, p in enumerate(named) if i >= positional or p.kind == p.KEYWORD_ONLY]
    names, given = [p.name for p in left], set(given)
    problems = []
    if missing := [p.name for p in left if p.default is p.empty and p.name not in given]:
        problems.append(_missing(key, target, missing))
    if positional and "params" in names and not any(p.kind == p.VAR_POSITIONAL for p in parameters):
        rule, remedy = "takes params behind other arguments", "Its first argument must be the parameters: (params, lr)."
        return [Problem(f"{key}._target_", target, rule, remedy)]
    open_ended = any(p.kind == p.VAR_KEYWORD for p in parameters)
    if unknown := [] if open_ended else sorted(given - set(names)):
        problems.append(_unknown(key, target, {name: str(group.get(name)) for name in unknown}, names))
    values: Any = OmegaConf.to_container(group, resolve=True)
    return [*problems, *unlike_annotation(key, named_thing, left, values)]


def _remedy_of_import(key: str, target: str, error: BaseException) -> str:
    """Another name where there is nothing of this one; else the module is there, and broken."""
    absent = error.name or "" if isinstance(error, ModuleNotFoundError) else None
    if isinstance(error, (AttributeError, ValueError)) or (
        absent is not None and f"{target}.".startswith(f"{absent}.")
    ):
        near = nearest_class(key, target)
        write = "Write package.module.Class; a module of your own lies beside train.py or on PYTHONPATH."
        return did_you_mean([near] if near else []) + write
    return f"Install {absent.partition('.')[0]}, or leave it out of that file." if absent else "Mend that file."


def _missing(key: str, target: str, names: Sequence[str]) -> Problem:
    """All that is missing, on one line."""
    value = {"learning_rate": "${lr}"}
    words = " ".join(f"'+{key}.{name}={value[name]}'" if name in value else f"+{key}.{name}=VALUE" for name in names)
    remedy = f"Add {words}."
    if len(names) == 1:
        return Problem(f"{key}.{names[0]}", "", f"is missing, {target} needs it", remedy)
    return Problem(key, "", f"{', '.join(names)} are missing, {target} needs them", remedy)


def _unknown(key: str, target: str, given: Mapping[str, str], takes: Sequence[str]) -> Problem:
    """All that the class does not take, on one line."""
    if len(given) == 1:
        ((name, value),) = given.items()
        guess = did_you_mean(nearest_words(name, takes))
        return Problem(f"{key}.{name}", value, f"{target} takes no such argument", guess + _words_for(takes))
    return Problem(key, "", f"{target} takes no arguments {', '.join(given)}", _words_for(takes))


def _wrong_kind(key: str, target: str, what: str, kind: type) -> Problem:
    return Problem(f"{key}._target_", target, what, f"{key} needs a {kind.__module__}.{kind.__name__}.")


def _words_for(names: Sequence[str]) -> str:
    return f"It takes {', '.join(names)}." if names else "It takes none."


MOST_WORDS = 240
"""Characters of an error that are told."""


def reason_of(error: BaseException) -> str:
    """An error in a few words, with the line of a user's own code at which it came up."""
    said = str(error.args[0] if isinstance(error, KeyError) and error.args else "")
    said = said if "\n" in said else str(error)  # which of a KeyError is its repr, on one line
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = (lines[0] if lines else type(error).__name__).rstrip(". ")[:MOST_WORDS]
    where = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _is_users(file):
            where = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {words}; {where}" if where else words


def _is_users(file: str) -> bool:
    """Whether a file of code is the user's own: of no library, not Python's and not lrscope's."""
    inside = ("site-packages", "dist-packages", "/lib/python")
    if file.startswith("<") or any(part in file for part in inside):
        return False
    return not Path(file).is_relative_to(_PACKAGE)


_PACKAGE = Path(__file__).parents[1]


def named(group: DictConfig) -> Any:
    """What ``_target_`` names; None where it cannot be imported."""
    try:
        return imported(str(group.get("_target_")))
    except (Exception, SystemExit):  # importing a user's module runs it: making it will say what is wrong
        return None


def accepts(group: DictConfig, argument: str) -> bool:
    """Whether what the group names has a parameter of that name."""
    return argument in {parameter.name for parameter in _parameters(group) or ()}


def takes(group: DictConfig, argument: str, *, by_name: bool = False) -> bool:
    """Whether that argument can be given to what the group names; true where that cannot be known.

    Args:
        by_name: not where it would be one of ``**kwargs``.
    """
    parameters = _parameters(group)
    if parameters is None:
        return True
    return any(p.name == argument or (p.kind == p.VAR_KEYWORD and not by_name) for p in parameters)


def _parameters(group: DictConfig) -> list[Parameter] | None:
    """Of what the group names; None where they cannot be known."""
    try:
        return list(signature(imported(group._target_)).parameters.values())
    except (Exception, SystemExit):  # importing a user's module runs it; what is wrong with it the check tells
        return None
