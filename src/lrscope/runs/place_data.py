"""Puts the parts of a run's data where it trains, in the precision that it trains in."""

from __future__ import annotations

from dataclasses import replace

import torch
from omegaconf import DictConfig

from lrscope.datasets.data import Data, Part


def full_batch(cfg: DictConfig, part: Part) -> int:
    """Examples of a batch that is not an epoch's last; all of the part where the config has no batch size."""
    return min(cfg.batch_size or len(part), len(part))


def placed(data: Data, cfg: DictConfig, device: torch.device) -> Data:
    """Every part of a run's data on the training device."""
    double = cfg.trainer.precision.startswith("64")
    val, test = (place(part, device, double) if part is not None else None for part in (data.val, data.test))
    return replace(data, train=place(data.train, device, double), val=val, test=test)


def place(part: Part, device: torch.device, double: bool) -> Part:
    """A part on the training device, in double precision where the run asks for it."""
    placed = part.to(device)
    if not double:
        return placed
    inputs, targets = (t.double() if t.is_floating_point() else t for t in (placed.inputs, placed.targets))
    return Part(inputs, targets)
