"""Losses in the user's own unit, of numbers to predict that are standardised while they are learned."""

from __future__ import annotations

from collections.abc import Mapping

from lrscope.datasets.preprocessing import TargetScale
from lrscope.training.supported import Objective

LOSSES = {"train": "train/loss_eval", "val": "val/loss", "test": "test/loss"}
"""Of each part the loss over all of it, at fixed weights."""


def in_units(values: Mapping[str, float], objective: Objective, scale: TargetScale | None) -> dict[str, float]:
    """``val/rmse`` of ``val/loss`` and so on: what a person reads a loss as; nothing where nothing is standardised.

    A mean squared error of 0.04 of prices with a deviation of 200,000 is a root mean square of 40,000.
    """
    reading = objective.in_units
    if scale is None or reading is None:
        return {}
    name, convert = reading
    return {f"{part}/{name}": convert(values[key], scale.deviation) for part, key in LOSSES.items() if key in values}
