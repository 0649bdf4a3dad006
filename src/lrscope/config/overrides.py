"""From what Hydra composed to the config of a run: the one place where that is decided."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from lrscope.config.given_paths import started_in, with_whole_paths
from lrscope.config.left_behind import left_behind
from lrscope.schedules.rules import NOT_ARGUMENTS

GROUPS = ("dataset", "model", "loss", "optimizer", "scheduler")


KEPT = {"scheduler": NOT_ARGUMENTS, "optimizer": ("groups", "no_decay"), "model": ("checkpoint", "fresh_head")}
"""Keys of a group that are for lrscope, whatever its class takes."""


def run_config(composed: DictConfig, overrides: Iterable[str], hydra: Any = None) -> DictConfig:
    """A copy without Hydra's own part, with whole paths, and without what an option leaves behind when its class is
    exchanged.

    ``model._target_=my.Net`` changes one key of the option; the others (``hidden``, ``activation`` …) were meant for
    the class that stood there before, and the new one may not take them. So each group whose ``_target_`` was typed,
    or written in another file than its option, loses what the new class does not take and nobody wrote for it.

    Args:
        composed: by Hydra; its own part may be gone already. It stays as it is.
        overrides: of the run, as typed, e.g. ``optimizer._target_=torch.optim.NAdam``.
        hydra: Hydra's own part, where ``composed`` has it no more.
    """
    cfg = copy.deepcopy(composed)  # OmegaConf's masked copy would lose the types: lr=${oc.env:LR} would stay a text
    with_whole_paths(cfg, started_in(composed.get("hydra", hydra)))
    with open_dict(cfg):
        hydra = cfg.pop("hydra", hydra)
    typed = _typed_keys(overrides)
    for group in GROUPS:
        part = cfg.get(group)
        if not part or not part.get("_target_"):
            continue
        exchanged = f"{group}._target_" in typed
        left = {str(key) for key in part} if exchanged else left_behind(group, part, hydra)
        own = {key.removeprefix(f"{group}.") for key in typed}
        with open_dict(cfg):
            _drop(part, group, {key for key in left - own if not key.startswith("_")})
    return cfg


def _drop(part: DictConfig, group: str, left: set[str]) -> None:
    """Of the keys that are left behind, those that the class does not take, and those without a value: its own default
    is better than a null that was meant for another class.
    """
    from lrscope.config.instantiate import named, takes
    from lrscope.config.lightning_names import lightning_package

    # A LightningModule is no network of the option's family: what was meant for that is not meant for it.
    own_all = bool(left) and group == "model" and lightning_package(named(part)) is not None
    for key in sorted(left):
        if key == "name":
            part.name = str(part._target_).rpartition(".")[2]
        elif key in KEPT.get(group, ()):
            continue
        elif own_all or _is_null(part, key) or not takes(part, key, by_name=group == "model"):
            del part[key]


def _is_null(part: DictConfig, key: str) -> bool:
    return OmegaConf.to_container(part, resolve=False)[key] is None  # type: ignore[index, call-overload]


def _typed_keys(overrides: Iterable[str]) -> set[str]:
    """``model._target_=a.B``, ``+model.width=3`` and ``model={_target_:a.B,width:3}`` all type two keys of model."""
    overrides = [override for override in overrides if "_target_" in override or "." in override.partition("=")[0]]
    if not any("_target_" in override for override in overrides):
        return {override.lstrip("+~").partition("=")[0] for override in overrides}
    from hydra.core.override_parser.overrides_parser import OverridesParser

    typed: set[str] = set()
    for override in OverridesParser.create().parse_overrides(overrides):
        value = override.value()
        inner = value if isinstance(value, dict) else ()
        typed |= {override.key_or_group, *(f"{override.key_or_group}.{key}" for key in inner)}
    return typed
