"""A loss in the user's own unit."""

from __future__ import annotations

import pytest
import torch

from lrscope.datasets.preprocessing import TargetScale
from lrscope.training.in_units import in_units
from lrscope.training.supported import objective_of


def test_a_root_mean_square_in_the_unit_of_the_targets() -> None:
    scale = TargetScale(mean=300_000, deviation=200_000, unit="price")
    answers, targets = torch.tensor([[0.5], [-1.0], [2.0]]), torch.tensor([[0.0], [1.0], [1.5]])
    loss = float(objective_of("regression").loss(answers, targets))
    apart = scale.in_units(answers) - scale.in_units(targets)
    found = in_units({"val/loss": loss, "train/loss_eval": 0.0, "epoch": 3.0}, objective_of("regression"), scale)
    assert found == {"train/rmse": 0.0, "val/rmse": pytest.approx(float(apart.square().mean().sqrt()))}


def test_nothing_where_nothing_is_standardised() -> None:
    assert in_units({"val/loss": 0.04}, objective_of("regression"), None) == {}
    assert in_units({"val/loss": 0.04}, objective_of("classification"), TargetScale(0, 1)) == {}
