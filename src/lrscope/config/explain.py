"""What Hydra refuses of a command line, in a line each: the key, the value, the rule and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from lrscope.config.suggest import did_you_mean, nearest_keys, nearest_words
from lrscope.core.command_words import train_command
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.core.paths import conf_folders

REFUSALS = (HydraException, OmegaConfBaseException)
"""What Hydra and OmegaConf raise on purpose."""

Compose = Callable[[list[str]], DictConfig]
OptionsOf = Callable[[str], Sequence[str]]

_PREAMBLE = r"^Error parsing override|raised while composing config:$"
"""A first line of Hydra's after which the matter comes."""

NO_KEY = "there is no such key"

_ALL_KEYS = f"`{train_command()} --cfg job` shows all keys."
_TYPES = (
    (r"could not be converted to Float", "must be a number"),
    (r"could not be converted to Integer", "must be a whole number"),
    (r"is not a valid bool", "must be true or false"),
    (r"is not Optional", "cannot be null"),
    (r"^Cannot convert '(list|dict)' to string", "must be one word"),
    (r"is not a subclass of", "holds keys of its own and is no single value"),
    (r"Cannot merge DictConfig with ListConfig", "must hold keys with values, and its file holds a list"),
    (r"is not a ListConfig|List\[|not a list", "must be a list, e.g. [1,2]"),
)
"""What OmegaConf says of a value of the wrong type, and the rule behind it."""


@dataclass(frozen=True)
class Explained:
    """The problems of one job's overrides, and the config that those without a problem compose to."""

    problems: tuple[Problem, ...]
    cfg: DictConfig


def explain(overrides: Sequence[str], compose: Compose, options_of: OptionsOf) -> Explained:
    """Find which overrides Hydra refuses, by adding them one at a time: choices of groups first, as Hydra does.

    Args:
        overrides: of one job, as typed; at least one of them does not fit.
        compose: the config of a list of overrides.
        options_of: the options of a config group; none where the key is no group.
    """
    base = compose([])
    accepted: list[str] = []
    problems: list[Problem] = []
    for override in sorted(overrides, key=lambda o: not options_of(key_of(o))):
        try:
            base = compose([*accepted, override])
            accepted.append(override)
        except REFUSALS as error:
            problem = refusal(override, error, base)
            problems.append(_with_owners(problem, compose, options_of) if problem.rule == NO_KEY else problem)
    return Explained(tuple(problems), base)


def refusal(override: str, error: Exception, cfg: DictConfig) -> Problem:
    """One refused override in plain words.

    Args:
        error: what was raised when it was added to ``cfg``.
    """
    key, value = key_of(override), override.partition("=")[2]
    if re.search("Ambiguous value|requires --multirun", str(error)):
        is_list = isinstance(_now(key, cfg), ListConfig)
        listed = f", or write {key}=[{value}] for a list" if is_list and "(" not in value else ""
        if re.fullmatch(r"0,\d+|\d+,0\d*", value) and isinstance(_now(key, cfg), float):
            listed = f", or write {key}={value.replace(',', '.')} for one number"
        return Problem(key, value, "several values for one run", f"Add -m to sweep over them{listed}.")
    if isinstance(error, OverrideParseException) and value.endswith(","):
        rule = "ends with a comma, so that its next value is a word of its own"
        return Problem(key, value, rule, "Write the values without spaces: lr=0.1,0.01.")
    if re.fullmatch(r"[-+.\de,]+", override):
        return Problem(override, "", "is a value without a key", "Write it behind its comma, without a space.")
    if isinstance(error, OverrideParseException):
        return _unreadable(key, value, error, cfg)
    if isinstance(error, MissingConfigException):
        return _no_such_option(key, value, error)
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    if isinstance(cause, ConfigKeyError | ConfigAttributeError):
        return _no_such_key(key, value, cfg)
    if override.startswith("+") and ("already" in str(error) or "Multiple values" in str(error)):
        return Problem(key, value, "is there already", f"Write {key}={value}, without the +.")
    value = value.replace("\\", "")
    if isinstance(_now(key, cfg), ListConfig) and value[:1] == "{":
        return Problem(key, value, "must be a list", f"Write '{key}=[{value}]'.")
    rule = rule_of_type(str(cause)) or first_line(cause)
    return Problem(key, value, rule, _meant_number(key, value, rule) or _example(key, cfg))


def rule_of_type(words: str) -> str | None:
    """The rule behind what OmegaConf says of a value of the wrong type; None where it says something else."""
    return next((rule for pattern, rule in _TYPES if re.search(pattern, words)), None)


def key_of(override: str) -> str:
    """``+a.b=1`` -> ``a.b``."""
    return override.partition("=")[0].lstrip("+~").partition("@")[0].strip()


_SUBMITIT = "Install it with pip install hydra-submitit-launcher, or have groups of members as jobs"
_PLUGINS = {
    "submitit_local": f"{_SUBMITIT}: sweep.engine=slurm sweep.engine_options.cluster=local.",
    "submitit_slurm": f"{_SUBMITIT}: sweep.engine=slurm.",
    "ray": "Its plugin wants cloudpickle below 3 (docs/engines.md). Have groups of members on Ray: sweep.engine=ray.",
}
"""Launchers that people know, by what to do where their plugins are not installed."""


def _no_such_option(key: str, value: str, error: MissingConfigException) -> Problem:
    # Of a group that takes several, ``metrics=[f1,f2]``, Hydra does not say which options there are.
    listed = error.options or sorted({file.stem for folder in conf_folders() for file in (folder / key).glob("*.yaml")})
    options = [option for option in listed if not option.startswith("_")]
    if not options:
        return Problem(key, value, "there is no such option", f"conf/{key} has none.")
    meant = str(error.missing_cfg_file or value).rpartition("/")[2]
    if re.fullmatch(r"\w+", value) and meant != value:
        return Problem(key, value, f"its file asks for {error.missing_cfg_file}, which is not there", "Mend the file.")
    remedy = f"{did_you_mean(nearest_words(meant, options))}Choose one of {', '.join(options)}."
    if re.fullmatch(r"\w+(\.\w+)+", value):
        remedy = f"To put in that class write {key}._target_={value}. {remedy}"
    if key in ("hydra/launcher", "hydra/sweeper"):
        remedy = _PLUGINS.get(value, f"{remedy} Others are plugins of Hydra, to be installed with pip.")
    return Problem(key, value, "there is no such option", remedy)


def _no_such_key(key: str, value: str, cfg: DictConfig) -> Problem:
    group = key.rpartition(".")[0]
    remedy = did_you_mean(nearest_keys(key, keys_of(cfg)))
    target = OmegaConf.select(cfg, f"{group}._target_") if group else None
    if target:
        remedy += f"To hand it to {target} all the same write +{key}={value}."
    else:
        remedy += _ALL_KEYS
    return Problem(key, value, NO_KEY, remedy)


def keys_of(cfg: DictConfig) -> list[str]:
    """Every key that a command can set: of groups, of the values in them, and Hydra's own choices."""
    leaves = flatten(OmegaConf.to_container(cfg, resolve=False))
    choices = OmegaConf.select(cfg, "hydra.runtime.choices") or {}
    groups = [str(key) for key in cfg if isinstance(cfg._get_node(key), DictConfig) and key != "hydra"]
    return [*groups, *(key for key in choices if key not in groups), *(k for k in leaves if not k.startswith("hydra."))]


def _with_owners(problem: Problem, compose: Compose, options_of: OptionsOf) -> Problem:
    """Names the other options of the key's group that do have it: ``step_size`` is one of ``scheduler=step``; else
    those that have one which is spelled alike, where the chosen option has none.
    """
    group, _, rest = problem.key.partition(".")
    keys: dict[str, list[str]] = {}
    for option in options_of(group) if rest else ():
        cfg = compose([f"{group}={option}"])
        for key in flatten(OmegaConf.to_container(cfg[group], resolve=False)):
            keys.setdefault(key, []).append(f"{group}={option}")
    if rest in keys:
        words = f"{', '.join(keys[rest])} {'has' if len(keys[rest]) == 1 else 'have'} it."
        return Problem(problem.key, problem.value, problem.rule, words)
    near = nearest_words(rest, keys, most=1)
    if not near or f"{group}.{near[0]}" in problem.remedy:
        return problem
    words = f"Did you mean {group}.{near[0]}, a key of {', '.join(keys[near[0]])}?"
    return Problem(problem.key, problem.value, problem.rule, words)


def _example(key: str, cfg: DictConfig) -> str:
    """A value that does: the one that stands there now."""
    now: Any = OmegaConf.select(cfg, key, throw_on_resolution_failure=False)
    if isinstance(now, DictConfig) and now and "." in key:
        return f"Set one of {', '.join(f'{key}.{name!s}' for name in now)}."
    if key in ("hydra.run.dir", "hydra.sweep.dir"):  # which hold the time
        return f"Try {key}=outputs/mine."
    if now is None or isinstance(now, DictConfig):
        return _ALL_KEYS
    shown = str(now).lower() if isinstance(now, bool) else str(now)
    return f"Try {key}={shown.replace(' ', '')}."


def _now(key: str, cfg: DictConfig) -> Any:
    return OmegaConf.select(cfg, key, throw_on_resolution_failure=False)


def _unreadable(key: str, value: str, error: Exception, cfg: DictConfig) -> Problem:
    """A word that Hydra's grammar does not take."""
    words, now = first_line(error), _now(key, cfg)
    call = re.search(r"while evaluating '(\w+)\(.*?\)': (.*)", words)
    if call is not None:
        unknown = call[2].startswith("Unknown function")
        rule = f"there is no function {call[1]}" if unknown else f"{call[1]}() cannot be used so: {call[2]}"
        return Problem(key, value, rule, f"Write {key}=1,2, {key}=range(0,5) or {key}=interval(0.1,10), with -m.")
    if isinstance(now, (int, float)) and not isinstance(now, bool):
        rule = "must be a whole number" if isinstance(now, int) else "must be a number"
        return Problem(key, value, rule, _meant_number(key, value, rule) or _example(key, cfg))
    if not value:
        return Problem(key, value, "is no override", f"Write {key}=VALUE; --help tells what there is.")
    if key.endswith("_target_") and (called := re.fullmatch(r"([\w.]+)\(.*\)", value)):
        return Problem(key, value, "calls it", f"Write {key}={called[1]}; its arguments are keys beside it.")
    items = value[1:-1].split(",") if value[:1] + value[-1:] == "[]" else [value]
    quoted = ",".join('"' + item.strip().strip("\"'") + '"' for item in items)
    shown = f"[{quoted}]" if len(items) > 1 or value.startswith("[") else quoted
    return Problem(key, value, "holds what Hydra's grammar does not take", f"Quote it twice: '{key}={shown}'.")


def _meant_number(key: str, value: str, rule: str) -> str:
    """What to write for ``1e3`` or ``8.0`` where a whole number stands, and for ``[1,0.1]``, ``(1,0.1)`` or ``1 0.1``
    where one number stands; else empty.
    """
    with suppress(ValueError):
        if rule == "must be a whole number" and float(value).is_integer():
            return f"Write {key}={int(float(value))}."
    numbers = re.findall(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?", value.lower())
    is_list = len(numbers) > 1 and re.fullmatch(r"[-+.\de,;\s\\\[\](){}\"']+", value.lower())
    return f"To sweep write -m {key}={','.join(numbers)}." if is_list and rule.endswith("number") else ""


def first_line(error: BaseException) -> str:
    """What an error says, without what comes after its first line."""
    lines = [line for line in str(error).splitlines() if line and not re.search(_PREAMBLE, line)]
    return (lines[0] if lines else type(error).__name__).rstrip(". ")
