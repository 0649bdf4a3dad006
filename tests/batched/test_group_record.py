"""What a member of a stack leaves is what its ordinary run leaves: points, outcome, verdict, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from both_ways import composed
from omegaconf import DictConfig, OmegaConf

from lrscope.batched.run.members import make_member
from lrscope.batched.run.train_batched import train_batched
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.runs.run import run
from lrscope.runs.shared_session import settings_of, share, unshare
from lrscope.training.checkpoint_folder import read_checkpoint
from lrscope.training.checkpoint_state import MEMBERS

COMMON = (
    "epochs=3",
    "trainer=cpu",
    "trainer.limit_train_batches=12",
    "tracking.mode=offline",
    "tracking.log_model=none",
    "callbacks.progress=none",
)
DOUBLE = "trainer.precision=64-true"


def config(folder: Path, *overrides: str, **top: Any) -> DictConfig:
    cfg = composed((*COMMON, *overrides)).copy()
    for key, value in {**top, "tracking.spool": str(folder / "spool")}.items():
        OmegaConf.update(cfg, key, value)
    return cfg


def alone(cfgs: Sequence[DictConfig], folder: Path) -> list[Outcome]:
    return [run(cfg, Job(folder / "alone" / str(k), (f"lr={cfg.lr}",))) for k, cfg in enumerate(cfgs)]


def prepared(cfgs: Sequence[DictConfig], folder: Path) -> list[PreparedRun]:
    return [prepare(cfg, Job(folder / "together" / str(k), (f"lr={cfg.lr}",))) for k, cfg in enumerate(cfgs)]


def both(cfgs: Sequence[DictConfig], folder: Path) -> list[tuple[Outcome, Outcome]]:
    """Train alone and together; the pairs of outcomes."""
    settings = settings_of(cfgs[0])
    share(settings)
    try:
        single = alone([cfg.copy() for cfg in cfgs], folder)
        stacked = train_batched([make_member(made) for made in prepared(cfgs, folder)])
    finally:
        unshare(settings)
    return list(zip(single, stacked, strict=True))


def assert_same_record(folder: Path, number: int, tolerance: float, in_float32: tuple[str, ...] = ()) -> None:
    """Every metric at the same steps, with the same values."""
    single, mine = (Trace.load(folder / way / str(number) / TRACE).series for way in ("alone", "together"))
    assert single.keys() == mine.keys()
    for key, series in single.items():
        near = max(tolerance, 1e-6) if key.startswith(("dead_units", *in_float32)) else tolerance  # a share in float32
        assert series.steps.tolist() == mine[key].steps.tolist(), key
        assert mine[key].values.tolist() == pytest.approx(series.values.tolist(), rel=near, abs=near, nan_ok=True), key
    assert single["lr"].values.tolist() == mine["lr"].values.tolist()


def assert_same_tree(mine: Any, single: Any, tolerance: float, where: str = "") -> None:
    """Two checkpoints, leaf by leaf."""
    if isinstance(single, Mapping):
        assert mine.keys() == single.keys(), where
        for key in single:
            assert_same_tree(mine[key], single[key], tolerance, f"{where}/{key}")
    elif isinstance(single, list | tuple):
        assert len(mine) == len(single), where
        for place, (one, other) in enumerate(zip(mine, single, strict=True)):
            assert_same_tree(one, other, tolerance, f"{where}/{place}")
    elif isinstance(single, torch.Tensor):
        torch.testing.assert_close(mine, single, rtol=tolerance, atol=tolerance, equal_nan=True, msg=where)
    elif isinstance(single, float):
        tolerance = max(tolerance, 1e-6) if "dead_units" in where else tolerance
        assert math.isclose(mine, single, rel_tol=tolerance, abs_tol=tolerance) or (
            mine != mine and single != single
        ), where
    else:
        assert mine == single, where


SWEEPS = {
    "rates": [{"lr": lr} for lr in (1e-4, 1e-2, 1.0)],
    "seeds": [{"lr": 1e-2, "seed": seed} for seed in (0, 1, 2)],
    "cosine": [{"lr": lr, "scheduler": "cosine"} for lr in (1e-3, 1e-1)],
    "schedules": [{"lr": 1e-2, "scheduler": name} for name in ("plateau", "step", "one_cycle", "constant")],
}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_points_outcomes_and_checkpoints_are_those_of_the_ordinary_run(sweep: str, tmp_path: Path) -> None:
    cfgs = [
        config(tmp_path, DOUBLE, f"scheduler={member.get('scheduler', 'constant')}", "callbacks.count_examples=true",
               lr=member["lr"], seed=member.get("seed", 0))
        for member in SWEEPS[sweep]
    ]  # fmt: skip
    for number, (single, mine) in enumerate(both(cfgs, tmp_path)):
        assert_same_record(tmp_path, number, 1e-9)
        assert (mine.status, mine.verdict, mine.why, mine.steps) == (
            single.status,
            single.verdict,
            single.why,
            single.steps,
        )
        assert mine.final == pytest.approx(dict(single.final), rel=1e-9)
        for name in ("last.ckpt", "best.ckpt"):
            files = (tmp_path / "spool" / o.local_id / "checkpoints" / name for o in (mine, single))
            one, other = map(read_checkpoint, files)
            if name == "last.ckpt":
                assert (one.pop(MEMBERS), other.pop(MEMBERS)) == (len(cfgs), 0)
            assert_same_tree(one, other, 1e-9)


def test_members_end_where_they_would_end_alone(tmp_path: Path) -> None:
    """One diverges, one is stopped early, one has collapsed; the fourth trains to its end, untouched."""
    stopping = ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.patience=1", "callbacks.test=true")
    cfgs = [
        config(tmp_path, DOUBLE, "optimizer=sgd", "callbacks.stop_when=[diverged,collapsed]", lr=lr, epochs=6)
        for lr in (1e5, 0.5)
    ] + [
        config(
            tmp_path, DOUBLE, "optimizer=sgd", *stopping, lr=lr, epochs=6, **{"callbacks.early_stopping.min_delta": d}
        )
        for lr, d in ((1e-5, 1.0), (0.1, 0.0))
    ]
    pairs = both(cfgs, tmp_path)
    for number, (single, mine) in enumerate(pairs):
        assert_same_record(tmp_path, number, 1e-9)
        assert (mine.status, mine.verdict, mine.steps) == (single.status, single.verdict, single.steps)
        best = (read_checkpoint(tmp_path / "spool" / o.local_id / "checkpoints" / "best.ckpt") for o in (mine, single))
        assert_same_tree(*best, 1e-9)
    diverged, _, stopped, trained = (mine for _, mine in pairs)
    assert (diverged.status, diverged.verdict) == ("FAILED", "diverged")
    assert diverged.steps < stopped.steps < trained.steps == 72


@pytest.mark.parametrize(
    "overrides",
    [
        ("trainer.accumulate_grad_batches=5", "trainer.gradient_clip_val=0.1"),
        ("trainer.gradient_clip_val=0.01", "trainer.gradient_clip_algorithm=value"),
        ("batch_size=null",),
        ("model.dropout=0.3",),
        ("model=cnn", "model.batch_norm=true", "dataset=digits"),
        ("callbacks.grad_norm=false", "callbacks.dead_units=false", "callbacks.evaluate_every_epochs=2"),
    ],
)
def test_every_setting_of_the_trainer_holds_for_each_member(overrides: tuple[str, ...], tmp_path: Path) -> None:
    cfgs = [config(tmp_path, DOUBLE, *overrides, lr=lr) for lr in (1e-3, 1e-2)]
    for number, (single, mine) in enumerate(both(cfgs, tmp_path)):
        assert_same_record(tmp_path, number, 1e-9)
        assert mine.steps == single.steps


class Noisy(torch.nn.Module):
    """A user's network that draws from torch's own generator."""

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(64, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        answers = self.layer(inputs.flatten(1))
        return answers + torch.randn_like(answers) if self.training else answers


def test_copies_of_a_member_that_ends_early_change_nothing_of_those_that_go_on(tmp_path: Path) -> None:
    early = ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.patience=1")
    left = []
    for look in ("true", "false"):
        words = (f"callbacks.look_ahead={look}", f"model._target_={__name__}.Noisy", *early)
        folder = tmp_path / look
        cfgs = [config(folder, *words, lr=0.01, **{"callbacks.early_stopping.min_delta": d}) for d in (9.0, 0.0)]
        ended, went_on = train_batched([make_member(made) for made in prepared(cfgs, folder)])
        assert ended.steps < went_on.steps == 36
        left.append([Trace.load(folder / "together" / str(k) / TRACE) for k in (0, 1)])
    looked, plain = left
    assert "ahead/again" in looked[0].series and "ahead/again" not in plain[0].series
    assert looked[1].get("train/loss").values.tolist() == plain[1].get("train/loss").values.tolist()


def test_mixed_precision_trains_each_member_as_alone(tmp_path: Path) -> None:
    """bfloat16 rounds at 4e-3: the two ways round alike at first and drift apart slowly."""
    cfgs = [config(tmp_path, "trainer.precision=bf16-mixed", lr=lr) for lr in (1e-3, 1e-2)]
    for single, mine in both(cfgs, tmp_path):
        assert mine.final["val/loss"] == pytest.approx(single.final["val/loss"], rel=0.02)
        assert mine.verdict == single.verdict


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("blobs", ("metrics=[f1,auroc]", "loss=cross_entropy", "loss.weight=[1,3]", "loss.label_smoothing=0.1")),
        ("blobs", ("metrics=[f1,mcc]", "loss=bce", "callbacks.checkpoint.monitor=val/f1")),
    ],
)
def test_losses_and_metrics_of_the_config_are_those_of_the_run_alone(tmp_path, data, words):
    cfgs = [config(tmp_path, f"dataset={data}", DOUBLE, *words, lr=lr) for lr in (0.1, 0.001)]
    both(cfgs, tmp_path)
    for number in range(2):
        assert_same_record(tmp_path, number, 1e-9)
        names = Trace.load(tmp_path / "together" / str(number) / TRACE).series
        assert {"train/f1", "val/f1", "val/acc"} <= names.keys()
