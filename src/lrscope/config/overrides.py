"""From what Hydra composed to the config of a run: the one place where that is decided."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from omegaconf import DictConfig, open_dict

from lrscope.schedules.rules import NOT_ARGUMENTS

GROUPS = ("dataset", "model", "optimizer", "scheduler")


def run_config(composed: DictConfig, overrides: Iterable[str]) -> DictConfig:
    """A copy without Hydra's own part, and without what an option leaves behind when its class is exchanged.

    ``model._target_=my.Net`` changes one key of the option; the others (``hidden``, ``activation`` …) were meant for
    the class that stood there before, and the new one may not take them. So each group whose ``_target_`` was typed
    loses what the new class does not take and nobody typed.

    Args:
        composed: by Hydra; its own part may be gone already. It stays as it is.
        overrides: of the run, as typed, e.g. ``optimizer._target_=torch.optim.NAdam``.
    """
    cfg = copy.deepcopy(composed)  # OmegaConf's masked copy would lose the types: lr=${oc.env:LR} would stay a text
    with open_dict(cfg):
        cfg.pop("hydra", None)
    typed = _typed_keys(overrides)
    for group in GROUPS:
        if f"{group}._target_" not in typed or not cfg[group].get("_target_"):
            continue
        own = {key.removeprefix(f"{group}.") for key in typed}
        with open_dict(cfg):
            _drop(cfg[group], group, own)
    return cfg


def _drop(part: DictConfig, group: str, typed: set[str]) -> None:
    from lrscope.config.instantiate import takes

    for key in [str(key) for key in part if not str(key).startswith("_")]:
        if key in typed:
            continue
        if key == "name":
            part.name = str(part._target_).rpartition(".")[2]
        elif group == "scheduler" and key in NOT_ARGUMENTS:
            continue
        elif not takes(part, key, by_name=group == "model"):
            del part[key]


def _typed_keys(overrides: Iterable[str]) -> set[str]:
    """``model._target_=a.B``, ``+model.width=3`` and ``model={_target_:a.B,width:3}`` all type two keys of model."""
    overrides = [override for override in overrides if "_target_" in override or "." in override.partition("=")[0]]
    if not any("_target_" in override for override in overrides):
        return set()
    from hydra.core.override_parser.overrides_parser import OverridesParser

    typed: set[str] = set()
    for override in OverridesParser.create().parse_overrides(overrides):
        value = override.value()
        inner = value if isinstance(value, dict) else ()
        typed |= {override.key_or_group, *(f"{override.key_or_group}.{key}" for key in inner)}
    return typed
