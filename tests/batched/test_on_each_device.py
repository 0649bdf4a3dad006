"""A stack on each kind of device and in each precision: every member as the run alone, and no more than fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_choice import _trial
from test_group_record import both, config
from torch import nn

from lrscope.batched.run.launch import train_together
from lrscope.core.job import Job

NETWORKS = {
    "mlp": ("model=mlp",),
    "mlp with batch norm and dropout": ("model=mlp", "model.batch_norm=true", "model.dropout=0.2"),
    "cnn": ("model=cnn",),
}
NEAR = {"32-true": 1e-3, "bf16-mixed": 0.03}
"""Of losses after two epochs: bfloat16 rounds at 4e-3, and the two ways drift apart slowly."""


@pytest.fixture(params=["cpu", "gpu"])
def device(request: pytest.FixtureRequest) -> str:
    """Of ``trainer=``."""
    if request.param == "gpu" and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU is here")
    return str(request.param)


@pytest.mark.parametrize("precision", NEAR)
@pytest.mark.parametrize("network", NETWORKS)
def test_members_are_as_alone(device: str, precision: str, network: str, tmp_path: Path) -> None:
    words = (f"trainer={device}", f"trainer.precision={precision}", *NETWORKS[network], "epochs=2")
    cfgs = [config(tmp_path, *words, lr=lr, seed=seed) for seed, lr in enumerate((1e-4, 1e-3, 3e-3))]
    for single, mine in both(cfgs, tmp_path):
        assert mine.steps == single.steps and mine.verdict == single.verdict
        for key in ("train/loss_epoch", "val/loss"):
            assert mine.final[key] == pytest.approx(single.final[key], rel=NEAR[precision]), key


def test_what_needs_a_loss_scale_trains_one_by_one_and_is_said(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfgs = [config(tmp_path, f"trainer={device}", "trainer.precision=16-mixed", lr=lr) for lr in (1e-3, 1e-2)]
    assert train_together([(cfg, Job(tmp_path / str(k), ())) for k, cfg in enumerate(cfgs)], "always") == {}
    assert "2 members train one by one: precision 16-mixed needs a loss scale of its own" in capsys.readouterr().out


def test_a_step_that_the_gpu_does_not_hold_is_one_that_does_not_fit(device: str) -> None:
    """256 MiB for this process; a member has 4 MiB of weights."""
    if device == "cpu":
        pytest.skip("with the processor's memory in test_choice.py")
    trial = _trial(nn.Linear(1024, 1024).cuda(), torch.randn(8, 1024, device="cuda"))
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**28 / torch.cuda.get_device_properties(0).total_memory)
    try:
        assert (trial.holds(2), trial.holds(200), trial.holds(2)) == (True, False, True)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
