"""``optimizer.groups``: parts of a network with a rate, a weight decay of their own, or none at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from lrscope.config.suggest import did_you_mean, nearest_words
from lrscope.core.errors import InputError, Problem
from lrscope.training.head_and_body import BODY, HEAD, part_of

NOT_ARGUMENTS = ("name", "groups", "no_decay")
"""Keys of ``optimizer`` that its class is not given."""

KEYS = ("match", "lr", "lr_factor", "weight_decay", "freeze")

DEFAULT = "default"
"""The group of all that no other one names."""


@dataclass(frozen=True)
class ParameterGroup:
    """One entry of ``optimizer.groups``, checked. ``names``: of the parameters that it matches."""

    name: str
    names: frozenset[str]
    options: Mapping[str, float]
    freeze: bool = False


def freeze(cfg: DictConfig, network: nn.Module) -> None:
    """Take the gradient from the parameters of groups with ``freeze: true``.

    Raises:
        InputError: see :func:`groups_of`.
    """
    frozen = {name for group in groups_of(cfg, network) if group.freeze for name in group.names}
    for name, parameter in network.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)


def optimized(cfg: DictConfig, network: nn.Module) -> list[Any]:
    """What the optimizer is made over: all parameters, or a group for each that the config names and one for the rest.

    Raises:
        InputError: see :func:`groups_of`.
    """
    groups, without_decay = groups_of(cfg, network), _no_decay(cfg)
    if not groups and not without_decay:
        return list(network.parameters())
    of = {name: group for group in groups for name in group.names}
    found: dict[str, dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        group = of.get(name, ParameterGroup(DEFAULT, frozenset(), {}))
        bare = without_decay and (parameter.dim() < 2 or name.endswith("bias"))
        key = f"{group.name}_no_decay" if bare else group.name
        options = {**group.options, **({"weight_decay": 0.0} if bare else {})}
        found.setdefault(key, {"name": key, "params": [], **options})["params"].append(parameter)
    first = sorted(found, key=lambda key: (key.partition("_no_decay")[0] != DEFAULT, key))
    return [found[key] for key in first]


def groups_of(cfg: DictConfig, network: nn.Module) -> list[ParameterGroup]:
    """The groups of a config by their names: their order decides nothing.

    Raises:
        InputError: a key or value that is none, a pattern that matches nothing, a parameter that is matched twice.
    """
    tree: Any = OmegaConf.to_container(cfg.optimizer, resolve=True)
    entries = tree.get("groups") or {}
    problems: list[Problem] = []
    if not isinstance(entries, dict):
        rule = "is no mapping from names to groups"
        raise InputError(Problem("optimizer.groups", str(entries), rule, "Write {head: {match: 'head*', lr: 0.01}}."))
    groups = []
    for name, entry in sorted(entries.items()):
        found = [*_wrong(str(name), entry)]
        problems += found
        if not found:
            matched = _all_matched(str(name), entry.get("match"), network)
            problems += [_nothing(str(name), str(p), network) for p, names in matched.items() if not names]
            options = {key: float(entry[key]) for key in ("lr", "weight_decay") if entry.get(key) is not None}
            if entry.get("lr_factor") is not None:
                options["lr"] = float(entry["lr_factor"]) * float(tree.get("lr", cfg.lr))
            names = frozenset().union(*matched.values())
            groups.append(ParameterGroup(str(name), names, options, bool(entry.get("freeze", False))))
    problems += _twice(groups)
    if problems:
        raise InputError(problems)
    return groups


def groups_set_rates(cfg: DictConfig, network: nn.Module) -> bool:
    """Whether every parameter that is trained has a rate which its group gives as a number."""
    groups = [group for group in groups_of(cfg, network) if not group.freeze]
    entries = cfg.optimizer.get("groups") or {}
    set_ = frozenset().union(*(g.names for g in groups if entries[g.name].get("lr") is not None))
    return bool(set_) and all(name in set_ for name, p in network.named_parameters() if p.requires_grad)


def _all_matched(name: str, match: Any, network: nn.Module) -> dict[Any, frozenset[str]]:
    """What each pattern of a group means; ``head`` and ``body`` without one are what their names say."""
    if not match:
        return {name: part_of(network, name)}
    return {pattern: _matched(str(pattern), network) for pattern in (match if isinstance(match, list) else [match])}


def _no_decay(cfg: DictConfig) -> bool:
    given = cfg.optimizer.get("no_decay")
    if given in (None, False):
        return False
    if given != "auto":
        rule = "must be auto (biases and norms are not decayed) or null"
        raise InputError(Problem("optimizer.no_decay", str(given), rule, "Try optimizer.no_decay=auto."))
    decays = [cfg.optimizer.get("weight_decay"), *(g.get("weight_decay") for g in _entries(cfg))]
    if not any(decays):
        rule = "there is no weight decay to leave anything out of"
        raise InputError(Problem("optimizer.no_decay", "auto", rule, "Add optimizer.weight_decay=0.01."))
    return True


def _entries(cfg: DictConfig) -> list[Any]:
    return list((cfg.optimizer.get("groups") or {}).values())


def _wrong(name: str, entry: Any) -> Iterator[Problem]:
    key = f"optimizer.groups.{name}"
    if name == DEFAULT or not re.fullmatch(r"\w+", name):
        yield Problem(key, "", "is no name for a group", "Take a plain word; default is the rest of the network.")
    if not isinstance(entry, dict) or not (entry.get("match") or name in (HEAD, BODY)):
        yield Problem(f"{key}.match", "", "is missing", f"Add '{key}.match=head.*', a name or pattern of parameters.")
        return
    for unknown in sorted(set(entry) - set(KEYS)):
        guess = did_you_mean(nearest_words(unknown, KEYS))
        yield Problem(
            f"{key}.{unknown}", str(entry[unknown]), "is no key of a group", f"{guess}It takes {', '.join(KEYS)}."
        )
    for rate in ("lr", "lr_factor"):
        if (value := entry.get(rate)) is not None and not (_is_number(value) and value > 0):
            yield Problem(f"{key}.{rate}", str(value), "must be a finite number above 0", "Try 0.001.")
    if (decay := entry.get("weight_decay")) is not None and not (_is_number(decay) and decay >= 0):
        yield Problem(f"{key}.weight_decay", str(decay), "must be a finite number, 0 or above", "Try 0.")
    if entry.get("lr") is not None and entry.get("lr_factor") is not None:
        yield Problem(f"{key}.lr_factor", str(entry["lr_factor"]), "lr says the rate already", "Leave one out.")
    if entry.get("freeze") not in (None, True, False):
        yield Problem(f"{key}.freeze", str(entry["freeze"]), "must be true or false", "Try true.")
    if entry.get("freeze") is True:
        for vain in ("lr", "lr_factor", "weight_decay"):
            if entry.get(vain) is not None:
                yield Problem(f"{key}.{vain}", str(entry[vain]), "a frozen group is not trained", "Leave one out.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _matched(pattern: str, network: nn.Module) -> frozenset[str]:
    """The parameters that a pattern means: by the class of a module, by a name or a glob of names, by a regex."""
    names = [name for name, _ in network.named_parameters()]
    owned = {prefix for prefix, module in network.named_modules() if prefix and _is_a(module, pattern)}
    found = {name for name in names if any(name.startswith(f"{prefix}.") for prefix in owned)}
    found = found or {n for n in names if fnmatchcase(n, pattern) or n.startswith(f"{pattern.rstrip('.')}.")}
    if not found:
        try:
            found = {name for name in names if re.fullmatch(pattern, name)}
        except re.error:
            return frozenset()
    return frozenset(found)


def _is_a(module: nn.Module, word: str) -> bool:
    """Whether ``BatchNorm`` names a BatchNorm2d, and ``Linear`` a subclass of it."""
    classes = [kind for kind in type(module).__mro__ if issubclass(kind, nn.Module) and kind is not nn.Module]
    return any(re.fullmatch(rf"_?{re.escape(word)}(\dd|Nd)?", kind.__name__) for kind in classes)


def _nothing(name: str, pattern: str, network: nn.Module) -> Problem:
    names = [known for known, _ in network.named_parameters()]
    near = nearest_words(pattern, [*names, *(prefix for prefix, _ in network.named_modules() if prefix)])
    listed = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    remedy = f"{did_you_mean(near)}There are {listed}."
    return Problem(f"optimizer.groups.{name}.match", pattern, "matches no parameter of the network", remedy)


def _twice(groups: list[ParameterGroup]) -> Iterator[Problem]:
    for number, group in enumerate(groups):
        for other in groups[:number]:
            if both := sorted(group.names & other.names):
                rule = f"matches {', '.join(both[:3])}{' …' if len(both) > 3 else ''}, which {other.name} matches too"
                yield Problem(f"optimizer.groups.{group.name}.match", "", rule, "Let one pattern be narrower.")
