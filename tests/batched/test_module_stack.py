"""A stack of LightningModules leaves of each member what it leaves when it trains alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig
from test_group_record import DOUBLE, alone, assert_same_record, assert_same_tree, config

from lrscope.batched.run.launch import train_together
from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.runs.shared_session import settings_of, share, unshare
from lrscope.training.checkpoint_folder import read_checkpoint
from lrscope.training.checkpoint_state import LOGGED, MEMBERS
from lrscope.training.user_module.carry_module import MODULE


def module(folder: Path, name: str, *overrides: str, **top: Any) -> DictConfig:
    words = (f"model._target_=lit_modules.{name}", DOUBLE, "batch_size=200", *overrides)
    return run_config(config(folder, *words, **top), words)


def both(cfgs: list[DictConfig], folder: Path) -> list[tuple[Outcome, Outcome]]:
    settings = settings_of(cfgs[0])
    share(settings)
    try:
        single = alone([cfg.copy() for cfg in cfgs], folder)
        jobs = [(cfg, Job(folder / "together" / str(k), (f"lr={cfg.lr}",))) for k, cfg in enumerate(cfgs)]
        stacked = train_together(jobs, "always")
    finally:
        unshare(settings)
    assert len(stacked) == len(cfgs)
    return [(one, stacked[number]) for number, one in enumerate(single)]


ONE_BY_ONE = {
    "WithMetric": ("", "training_step updates self.acc, a metric"),
    "LogsMetric": ("", "it logs val_acc as a metric, whose state each member needs for itself"),
    "Counts": ("", "training_step sets self.seen"),
    "Remembers": ("", "validation_step sets self.losses"),
    "Buffered": ("", "training_step changes self.average, a buffer"),
    "Clamped": ("", "training_step changes self.net.4.bias, a parameter"),
    "Hooked": ("", "its own on_train_batch_end would see all members at once"),
    "Stepping": ("", "its own optimizer_step would see all members at once"),
    "OwnBackward": ("", "its own backward would see all members at once"),
    "TakesItem": (
        *("", "a step takes a number out of a tensor (.item(), float() and the like), which differs from member to"),
    ),
    "Decides": ("", "a step decides by a number that differs from member to member"),
    "Prints": ("", "it asks its trainer for is_global_zero, which all members share"),
    "ByEpoch": ("", "it asks its trainer for current_epoch, which all members share"),
    "ByBatch": ("", "it looks at the number of its batch"),
    "LogsNumber": ("", "it logs examples as a Python number, which is one for all members"),
    "Draws": ("", "training_step draws random numbers by itself, of which each member needs its own"),
    "DrawsInPython": ("", "training_step draws random numbers by itself, of which each member needs its own"),
    "OwnGenerator": ("", "training_step sets self.noise"),
    "PutIn": ("", "its own on_train_batch_end would see all members at once"),
    "ByRate": ("", "as one model its members would compute something else than each alone"),
    "Manual": ("optimizer=own", "it steps its optimizers by itself (automatic_optimization is False)"),
    "Two": ("optimizer=own", "it steps its optimizers by itself (automatic_optimization is False)"),
    "NoRule": ("optimizer=own", "there is no batched update rule for NAdam"),
    "AsksTrainer": ("optimizer=own", "it asks its trainer for estimated_stepping_batches, which all members share"),
}
"""By the module what is typed beside it, and the words."""


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_what_only_one_can_do_is_told_in_a_line_and_left_to_the_launcher(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    typed, words = ONE_BY_ONE[name]
    cfgs = [module(tmp_path, name, *filter(None, [typed]), lr=lr) for lr in (0.1, 0.01)]
    jobs = [(cfg, Job(tmp_path / str(k), ())) for k, cfg in enumerate(cfgs)]
    assert train_together(jobs, "always") == {}
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"2 members train one by one: {words}")
    assert not list((tmp_path / "spool").glob("*/events.jsonl"))


SWEEPS: dict[str, tuple[str, tuple[str, ...], list[dict[str, Any]]]] = {
    "rates": ("Lit", ("model.dropout=0.3",), [{"lr": lr} for lr in (1e-3, 1e-1, 1e6)]),
    "seeds": ("Lit", ("model.dropout=0.3", "optimizer=sgd"), [{"seed": seed} for seed in (0, 1)]),
    "own": ("OwnRate", ("optimizer=own",), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "own by step": ("Warming", ("optimizer=own", "trainer.gradient_clip_val=0.1"), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "norm": ("Normed", ("trainer.accumulate_grad_batches=2",), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "silent": ("Silent", (), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "frozen": ("Frozen", ("scheduler=plateau", "scheduler.patience=0"), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "returned": ("Returned", ("scheduler=cosine",), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "looked at": (
        *("Lit", ("callbacks.checkpoint.monitor=my/score", "callbacks.early_stopping.enabled=true")),
        [{"lr": lr, "callbacks.early_stopping.monitor": "my/loss_epoch"} for lr in (1e-6, 1e-2)],
    ),
    "by steps": ("Lit", ("evaluate_every_steps=5",), [{"lr": lr} for lr in (1e-3, 1e-1)]),
    "so many steps": (
        "Lit",
        ("max_steps=13", "epochs=null", "tracking.every_n_steps=4"),
        [{"lr": lr} for lr in (1e-3, 1e-1)],
    ),
}


@pytest.mark.filterwarnings("ignore:Found .* in eval mode")
@pytest.mark.parametrize("sweep", SWEEPS)
def test_points_outcomes_and_checkpoints_are_those_of_the_ordinary_run(sweep: str, tmp_path: Path) -> None:
    name, overrides, members = SWEEPS[sweep]
    cfgs = [module(tmp_path, name, *overrides, **member) for member in members]
    for number, (single, mine) in enumerate(both(cfgs, tmp_path)):
        assert_same_record(tmp_path, number, 1e-9, in_float32=("output_spread",))
        assert (mine.status, mine.verdict, mine.why, mine.steps) == (
            *(single.status, single.verdict, single.why, single.steps),
        )
        assert mine.final == pytest.approx(dict(single.final), rel=1e-9)
        for file in ("last.ckpt", "best.ckpt"):
            one, other = (
                read_checkpoint(tmp_path / "spool" / o.local_id / "checkpoints" / file) for o in (mine, single)
            )
            if file == "last.ckpt":
                assert one.pop(MEMBERS) > 0 == other.pop(MEMBERS)
                for key in ("loops", "callbacks", LOGGED, MODULE):
                    one.pop(key, None), other.pop(key)
            assert_same_tree(one, other, 1e-9)
