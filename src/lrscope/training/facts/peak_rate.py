"""The largest rate that a config asks for, and the key that asks for it."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from lrscope.training.parameter_groups import groups_of


def peak_rate(cfg: DictConfig) -> tuple[float, str]:
    """A schedule's own top goes before the optimizer's rate, that before ``lr``; what refers to ``lr`` is set by it."""
    for group, key in (("scheduler", "max_lr"), ("optimizer", "lr")):
        if (value := _number(cfg[group].get(key))) is not None:
            raw = OmegaConf.to_container(cfg[group], resolve=False)
            refers = "${lr}" in str(raw.get(key)) if isinstance(raw, dict) else False
            return value, "lr" if refers else f"{group}.{key}"
    return float(cfg.lr), "lr"


def peak_of_groups(cfg: DictConfig, network: nn.Module) -> tuple[float, str]:
    """The same of the group whose rate is recorded as ``lr``: the default one, and where the groups that the config
    names cover everything, the first of them.
    """
    peak, key = peak_rate(cfg)
    groups = groups_of(cfg, network)
    named = frozenset().union(*(group.names for group in groups))
    trained = [group for group in groups if not group.freeze]
    if not trained or any(p.requires_grad and name not in named for name, p in network.named_parameters()):
        return peak, key
    first, base = trained[0], float(cfg.optimizer.get("lr") or cfg.lr)
    own = cfg.optimizer.groups[first.name].get("lr") is not None and key != "scheduler.max_lr"
    return peak * (first.options.get("lr", base) / base), f"optimizer.groups.{first.name}.lr" if own else key


def _number(value: Any) -> float | None:
    """The largest where there is one for each parameter group."""
    values = list(value) if OmegaConf.is_list(value) or isinstance(value, (list, tuple)) else [value]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return max(numbers) if numbers and len(numbers) == len(values) else None
