"""The rates of an optimizer's parameter groups."""

from __future__ import annotations

import re

from torch.optim import Optimizer


def rates_by_group(optimizer: Optimizer) -> dict[str, float]:
    """The rate of each parameter group by the name that it was given, else by its number from 0."""
    groups = optimizer.param_groups
    names = [re.sub(r"[^\w./ -]", "_", str(group.get("name", number))) for number, group in enumerate(groups)]
    if len(set(names)) < len(names):
        names = [f"{name}_{number}" for number, name in enumerate(names)]
    return {name: float(group["lr"]) for name, group in zip(names, groups, strict=True)}
