"""The largest rate that a config asks for, and the key that asks for it."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf


def peak_rate(cfg: DictConfig) -> tuple[float, str]:
    """A schedule's own top goes before the optimizer's rate, that before ``lr``; what refers to ``lr`` is set by it."""
    for group, key in (("scheduler", "max_lr"), ("optimizer", "lr")):
        if (value := _number(cfg[group].get(key))) is not None:
            raw = OmegaConf.to_container(cfg[group], resolve=False)
            refers = "${lr}" in str(raw.get(key)) if isinstance(raw, dict) else False
            return value, "lr" if refers else f"{group}.{key}"
    return float(cfg.lr), "lr"


def _number(value: Any) -> float | None:
    """The largest where there is one for each parameter group."""
    values = list(value) if OmegaConf.is_list(value) or isinstance(value, (list, tuple)) else [value]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return max(numbers) if numbers and len(numbers) == len(values) else None
