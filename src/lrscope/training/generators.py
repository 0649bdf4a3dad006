"""Torch's generators of random numbers, left as they were."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def same_generators(device: torch.device) -> AbstractContextManager[object]:
    """What is drawn inside is drawn again outside."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
