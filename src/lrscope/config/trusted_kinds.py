"""Which classes a config from a store may name: by the kind that their place asks for, not by where they come from.

A tracking store is shared. Below ``torch`` alone there are several callables that run what they are given; so a name
is believed only where it leads to a class of the very kind that its group is made of, from a module that holds that
kind. Packages of the user's own count where the user has named them, see :mod:`lrscope.config.trust`; no other package
is imported to find out.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """What a group is made of.

    Attributes:
        bases: its classes derive from one of these; its factories say that they return one.
        named: modules of libraries below which it may be named; what is re-exported there counts.
        defined: modules that it is defined in, wherever it was found.
    """

    bases: tuple[str, ...]
    named: tuple[str, ...]
    defined: tuple[str, ...]


NEVER = {*sys.stdlib_module_names, "hydra", "omegaconf", "torch", "pytorch_lightning", "torchmetrics", "lrscope"}
"""Packages that hold more than what trains; what is believed of them, the kinds say."""

MODULE = Kind(("torch.nn.Module",), ("torch.nn", "lrscope.models"), ("torch.nn.modules", "lrscope.models"))

KINDS = {
    "dataset": Kind(
        ("lrscope.datasets.data.Data", "pytorch_lightning.LightningDataModule"),
        ("lrscope.datasets",),
        ("lrscope.datasets",),
    ),
    "model": MODULE,
    "loss": Kind(MODULE.bases, ("torch.nn", "lrscope.losses"), ("torch.nn.modules.loss", "lrscope.losses")),
    "metrics": Kind(
        ("torchmetrics.Metric",),
        ("torchmetrics", "lrscope.metrics"),
        # Others load networks or text models by a name that they are given.
        ("torchmetrics.classification", "torchmetrics.regression", "torchmetrics.aggregation", "lrscope.metrics"),
    ),
    "optimizer": Kind(
        ("torch.optim.Optimizer",), ("torch.optim", "lrscope.optimizers"), ("torch.optim", "lrscope.optimizers")
    ),
    "scheduler": Kind(
        ("torch.optim.lr_scheduler.LRScheduler",),
        ("torch.optim.lr_scheduler", "lrscope.schedules"),
        ("torch.optim.lr_scheduler", "lrscope.schedules"),
    ),
    "callbacks.extra": Kind(
        ("pytorch_lightning.Callback",),
        ("pytorch_lightning.callbacks", "lrscope.callbacks", "lrscope.training.callbacks"),
        ("pytorch_lightning.callbacks", "lrscope.training.callbacks"),
    ),
}
"""By the key of the config."""

WITHIN = {"model": MODULE, "loss": MODULE}
"""What the arguments of a group's class may be made of, e.g. a network's activation; other groups take plain values."""


def kind_at(place: Sequence[str]) -> Kind | None:
    """What is asked for where a ``_target_`` stands; None where none is expected.

    Args:
        place: the keys that lead to it, without numbers of list items: ``("model", "activation")``.
    """
    key = ".".join(place)
    if key in KINDS and key != "metrics":
        return KINDS[key]
    if place and place[0] == "metrics":
        return KINDS["metrics"] if len(place) <= 2 else None
    return WITHIN.get(place[0]) if place else None


@dataclass(frozen=True)
class Refused:
    """Why a name is not believed, and what the user would have to trust for it; empty where nothing helps."""

    rule: str
    to_trust: str = ""


def refused(target: str, kind: Kind, packages: Sequence[str]) -> Refused | None:
    """None where a name leads to a class of that kind, or to a factory that says it makes one.

    Args:
        packages: those that the user trusts beside the kind's own modules; the whole name of a function trusts that
            one, whatever it says that it makes.
    """
    if not DOTTED.fullmatch(target):
        return Refused("is no name of a class")
    package = target.partition(".")[0]
    own = [] if package in NEVER else [name for name in packages if _below(target, [name]) or target == name]
    if not own and not _below(target, kind.named):
        return Refused("is not of a package that is trusted here", "" if package in NEVER else package)
    try:
        found = pkgutil.resolve_name(target)
    except (Exception, SystemExit) as error:  # importing a trusted module of the user's runs it
        return Refused(f"cannot be imported ({type(error).__name__})")
    home = f"{found.__module__}.{found.__qualname__}" if isinstance(found, type) or inspect.isfunction(found) else ""
    if own and home == target and inspect.isfunction(found):
        if target in own or _is_made_of(found, kind):
            return None
        return Refused("does not say that it returns what is asked for", target)
    if not _is_made_of(found, kind):
        return Refused(f"is no {' or '.join(kind.bases)}")
    if not _below(home, [*kind.defined, *own]):
        return Refused(f"is {home}, which no store may name here")
    return None


def _below(name: str, modules: Sequence[str]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)


def _is_made_of(found: Any, kind: Kind) -> bool:
    """Whether it is a class of that kind, or a plain function whose annotation says that it returns one."""
    if isinstance(found, type):
        return any(issubclass(found, pkgutil.resolve_name(base)) for base in kind.bases)
    if not inspect.isfunction(found):
        return False
    try:
        returned = get_type_hints(found).get("return")
    except (NameError, TypeError, AttributeError):  # a name that only type checkers know
        return False
    classes = [one for one in get_args(returned) or (returned,) if one is not type(None)]
    return bool(classes) and all(isinstance(one, type) and _is_made_of(one, kind) for one in classes)
