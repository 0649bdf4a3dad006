"""The class that a user may have meant by a dotted name that cannot be imported."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from lrscope.config.suggest import nearest_words

HOMES = {
    "dataset": ("lrscope.datasets",),
    "model": (
        "torch.nn",
        *(f"lrscope.models.{name}" for name in ("mlp", "cnn", "linear", "resnet", "gru", "transformer")),
    ),
    "loss": ("torch.nn", "lrscope.losses.cross_entropy", "lrscope.losses.binary_cross_entropy"),
    "metrics": ("torchmetrics.classification", "torchmetrics.regression"),
    "optimizer": ("torch.optim",),
    "scheduler": ("torch.optim.lr_scheduler",),
    "callbacks.extra": ("pytorch_lightning.callbacks",),
}
"""Where the classes of a group are looked for, beside the module that was named."""

PACKAGES = ("torch", "lrscope", "pytorch_lightning", "torchvision")


def nearest_class(group: str, target: str) -> str | None:
    """The dotted name of a class or function that is there and spelled much alike; None where there is none.

    Args:
        group: the key whose ``_target_`` it is.
    """
    last = target.rpartition(".")[2]
    homes = {home: _classes(import_module(home)) for home in HOMES.get(group, HOMES.get(group.partition(".")[0], ()))}
    if exact := [f"{home}.{last}" for home, classes in homes.items() if last in classes]:
        return exact[0]
    mended = _mended(target)
    if mended is not None and _is_there(mended):
        return mended
    alike = [f"{home}.{name}" for home, classes in homes.items() for name in nearest_words(last, classes, most=1)]
    return alike[0] if alike else None


def _mended(target: str) -> str | None:
    """The name with each part that is not there exchanged for the likest that is."""
    first, *rest = target.split(".")
    module = _imported(first)
    if module is None:
        near = nearest_words(first, PACKAGES, most=1)
        if not near:
            return None
        first, module = near[0], _imported(near[0])
    parts, thing = [first], module
    for place, part in enumerate(rest, start=1):
        if thing is None:
            return None
        if not (hasattr(thing, part) or _imported(".".join([*parts, part]))):
            near = nearest_words(part, _classes(thing) if place == len(rest) else _names(thing), most=1)
            if not near:
                return None
            part = near[0]
        parts.append(part)
        thing = getattr(thing, part, None) or _imported(".".join(parts))
    return ".".join(parts)


def _names(module: object) -> list[str]:
    """What is public in a module, and the modules below it."""
    below = [found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))]
    return [name for name in {*dir(module), *below} if not name.startswith("_")]


def _classes(module: object) -> list[str]:
    """What of a module can be called."""
    return [name for name in dir(module) if not name.startswith("_") and callable(getattr(module, name, None))]


def _imported(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except (Exception, SystemExit):  # whatever a module of the user's raises: there is only no guess then
        return None


def _is_there(target: str) -> bool:
    try:
        return callable(pkgutil.resolve_name(target))
    except (ImportError, AttributeError, ValueError):
        return False
