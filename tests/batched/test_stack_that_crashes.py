"""An error of the user's model in a stack costs no step that was taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_group_record import config, prepared

from lrscope.batched.run.members import make_member
from lrscope.batched.run.train_batched import train_batched
from lrscope.core.job import Job
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import run

GOOD_STEPS = 19
"""Of 12 an epoch."""


class Breaks(torch.nn.Module):
    """A user's network that fails in its twentieth training step."""

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(64, 10)
        self.steps = 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.steps += 1
            if self.steps > GOOD_STEPS:
                raise RuntimeError("the user's own mistake")
        return self.layer(inputs.flatten(1))


@pytest.mark.parametrize("way", ["together", "alone"])
def test_every_loss_until_the_crash_is_recorded(tmp_path: Path, way: str) -> None:
    cfgs = [config(tmp_path, f"model._target_={__name__}.Breaks", lr=lr) for lr in (0.01, 0.1)]
    if way == "together":
        outcomes = train_batched([make_member(made) for made in prepared(cfgs, tmp_path)])
    else:
        outcomes = [run(cfg, Job(tmp_path / way / str(k), ())) for k, cfg in enumerate(cfgs)]
    for number, outcome in enumerate(outcomes):
        assert (outcome.status, outcome.crashed, outcome.steps) == ("FAILED", True, GOOD_STEPS)
        assert "the user's own mistake" in outcome.why
        losses = Trace.load(tmp_path / way / str(number) / TRACE).get("train/loss")
        assert losses.steps.tolist() == list(range(GOOD_STEPS))
