"""A stack on each kind of device and in each precision: every member as the run alone, and no more than fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from test_choice import _trial
from test_group_record import assert_same_tree, both, config
from test_group_resume import Signal, Train, _alone, _jobs, _together
from test_module_stack import both as both_tried
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.loss_scales import START
from lrscope.config.overrides import run_config
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.training.checkpoint_folder import LAST, read_checkpoint
from lrscope.training.checkpoint_state import LOSS_SCALE

NETWORKS = {
    "mlp": ("model=mlp",),
    "mlp with batch norm and dropout": ("model=mlp", "model.batch_norm=true", "model.dropout=0.2"),
    "cnn": ("model=cnn",),
}
NEAR = {"32-true": 1e-3, "bf16-mixed": 0.03, "16-mixed": 0.01}
"""Of losses after two epochs: bfloat16 rounds at 4e-3, and the two ways drift apart slowly."""


@pytest.mark.usefixtures("float16_everywhere")
@pytest.mark.parametrize("precision", NEAR)
@pytest.mark.parametrize("network", NETWORKS)
def test_members_are_as_alone(device: str, precision: str, network: str, tmp_path: Path) -> None:
    words = (f"trainer={device}", f"trainer.precision={precision}", *NETWORKS[network], "epochs=2")
    cfgs = [config(tmp_path, *words, lr=lr, seed=seed) for seed, lr in enumerate((1e-4, 1e-3, 3e-3))]
    for single, mine in both(cfgs, tmp_path):
        assert mine.steps == single.steps and mine.verdict == single.verdict
        for key in ("train/loss_epoch", "val/loss"):
            assert mine.final[key] == pytest.approx(single.final[key], rel=NEAR[precision]), key


@pytest.mark.usefixtures("float16_everywhere")
@pytest.mark.parametrize(
    "clipping", [(), ("trainer.gradient_clip_val=0.1", "scheduler=one_cycle")], ids=["", "clipped"]
)
@pytest.mark.parametrize("what", ["network", "LightningModule"])
def test_updates_that_float16_skips_are_recorded_as_alone(
    device: str, what: str, clipping: tuple[str, ...], tmp_path: Path
) -> None:
    """The first scales are too large for losses of that size; the runs get over it, and nobody is said to diverge."""
    part = ("loss._target_=test_on_each_device.large",) if what == "network" else ("model._target_=lit_modules.Large",)
    words = (f"trainer={device}", "trainer.precision=16-mixed", "callbacks.every=1", *part, *clipping)
    cfgs = [run_config(config(tmp_path, *words, lr=lr), words) for lr in (1e-4, 1e-3)]
    for number, (single, mine) in enumerate(both_tried(cfgs, tmp_path)):
        assert (mine.steps, mine.verdict) == (single.steps, single.verdict) and mine.verdict != "diverged"
        one, other = (Trace.load(tmp_path / way / str(number) / TRACE).series for way in ("alone", "together"))
        assert one.keys() == other.keys()
        for key, series in one.items():
            assert other[key].steps.tolist() == series.steps.tolist(), key
        skipped = np.flatnonzero(one["update_ratio"].values == 0)
        assert 3 < len(skipped) < 12
        assert np.flatnonzero(other["update_ratio"].values == 0).tolist() == skipped.tolist()
        for way in (one, other):
            assert np.flatnonzero(~np.isfinite(way["grad_norm"].values)).tolist() == skipped.tolist()
        taken = np.isfinite(one["grad_norm"].values)
        for key in ("grad_norm", "train/loss"):
            assert other[key].values[taken] == pytest.approx(one[key].values[taken], rel=0.02), key
        ends = [read_checkpoint(tmp_path / "spool" / o.local_id / "checkpoints" / LAST) for o in (single, mine)]
        assert ends[0][LOSS_SCALE] == ends[1][LOSS_SCALE]
        steps = [[state["step"] for state in end["optimizer_states"][0]["state"].values()] for end in ends]
        assert steps[0] == steps[1] and float(steps[0][0]) == mine.steps - len(skipped)


@pytest.mark.usefixtures("float16_everywhere")
@pytest.mark.parametrize(
    ("first", "second"),
    [(_together, _together), (_together, _alone), (_alone, _together)],
    ids=["a stack as a stack", "a stack alone", "single runs as a stack"],
)
@pytest.mark.filterwarnings("ignore:.*lrscope.resumed_otherwise:UserWarning")
def test_a_loss_scale_goes_on_where_it_was(
    device: str, first: Train, second: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same bits where the way is the same; the other way goes on from the same scale."""
    words = f"trainer={device}", "trainer.precision=16-mixed", "loss._target_=test_on_each_device.large"
    whole, cut, signal = tmp_path / "whole", tmp_path / "cut", Signal(monkeypatch)

    def configs(folder: Path) -> list[DictConfig]:
        return [config(folder, *words, lr=lr, seed=seed) for lr, seed in ((1e-4, 0), (1e-4, 1), (1e-3, 0))]

    uninterrupted = first(configs(whole), _jobs(whole), signal, None)
    stopped = first(configs(cut), _jobs(cut), signal, 14)
    assert {outcome.status for outcome in stopped} == {"KILLED"}
    resumed = second(configs(cut), _jobs(cut, stopped), signal, None)
    for mine, other in zip(resumed, uninterrupted, strict=True):
        one, two = (
            read_checkpoint(place / "spool" / o.local_id / "checkpoints" / LAST)
            for place, o in ((cut, mine), (whole, other))
        )
        assert one[LOSS_SCALE] == two[LOSS_SCALE] and one[LOSS_SCALE]["scale"] < START
        assert_same_tree(
            one["optimizer_states"][0]["state"][0]["step"], two["optimizer_states"][0]["state"][0]["step"], 0
        )
        assert_same_tree(one["state_dict"], two["state_dict"], 0 if first is second else 0.02)


def large(answers: Tensor, targets: Tensor) -> Tensor:
    return 1000 * functional.cross_entropy(answers, targets)


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
