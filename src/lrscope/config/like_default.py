"""Values of the open groups (model, optimizer, data …) of another type than the option's own file has there.

Nothing else knows their types: ``optimizer.nesterov=no`` is a text, and Python takes a text for true.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

from lrscope.core.as_typed import as_typed
from lrscope.core.errors import Problem
from lrscope.core.paths import conf_folders
from lrscope.schedules.rules import BOUNDS

GROUPS = ("dataset", "model", "loss", "optimizer", "scheduler")
ALSO_LISTS = ("dataset.size",)
"""Of one number for a square, or two."""
COUNTED = ("${total_steps}", "${steps_per_epoch}")
"""What the option's file leaves to the data, and what nothing fills in where null is typed in its place."""


def unlike_default(cfg: Any) -> Iterator[Problem]:
    from omegaconf import OmegaConf

    for group in GROUPS:
        values: Any = OmegaConf.to_container(cfg[group], resolve=True)
        typed: Any = OmegaConf.to_container(cfg[group], resolve=False)
        target = str(values.get("_target_"))
        defaults = _defaults(group, target)
        bounded = BOUNDS.get(target, {}) if group == "scheduler" else {}
        for name, value in values.items():
            key = f"{group}.{name}"
            if typed[name] == "${lr}":
                continue  # it is told of lr itself
            if name in bounded and _is_number(value):
                continue  # whether it may be a fraction its bound says
            if str(defaults.get(name)) in COUNTED:
                if typed[name] is None and "epochs" not in values:  # torch counts these itself
                    remedy = f"Leave it out: it is {defaults[name]}."
                    yield Problem(key, "null", "must be a whole number above 0", remedy)
            elif name in defaults and (found := _rule(key, value, defaults[name])) is not None:
                yield Problem(key, as_typed(value), *found)


def _rule(key: str, value: Any, default: Any) -> tuple[str, str] | None:
    """What a value must be, and what to type; None where it is that."""
    example = f"Try {key}={as_typed(default)}."
    if isinstance(default, bool):
        return None if value in (True, False) else ("must be true or false", example)
    if isinstance(default, list):
        if not isinstance(value, list):
            return "must be a list", example if value is None else f"Write {key}=[{as_typed(value)}]."
        numbers = default and all(map(_is_number, default))
        whole = numbers and all(isinstance(number, int) for number in default)
        if numbers and not all(_is_number(item) and (not whole or float(item).is_integer()) for item in value):
            return f"must be a list of {'whole ' if whole else ''}numbers", example
        pair = key == "optimizer.betas" and len(value) != len(default)
        return (f"must hold {len(default)} numbers", example) if pair else None
    if isinstance(default, str):
        return ("must be one word", example) if value is None or isinstance(value, (list, dict)) else None
    if isinstance(value, list) and (key in ALSO_LISTS or key.startswith("scheduler.")):
        return None
    if not _is_number(value):
        return "must be a whole number" if isinstance(default, int) else "must be a number", example
    if isinstance(default, int) and not float(value).is_integer():
        return "must be a whole number", example
    return None if math.isfinite(value) else ("must be a finite number", example)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@cache
def _defaults(group: str, target: str) -> dict[str, Any]:
    """Of the options whose class it is: what their files say, but for what is left open there or refers elsewhere."""
    from omegaconf import OmegaConf

    found: dict[str, Any] = {}
    for folder in reversed(conf_folders()):
        for file in sorted((folder / group).glob("*.yaml")):
            if f"_target_: {target}\n" in f"{file.read_text()}\n":
                tree: Any = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
                found |= tree
    found.pop("defaults", None)
    return {
        name: value if value != "${lr}" else 0.001
        for name, value in found.items()
        if not name.startswith("_") and value is not None and ("${" not in str(value) or value in ("${lr}", *COUNTED))
    }
