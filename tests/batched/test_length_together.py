"""Members of a stack whose length is said in updates, and which are evaluated behind so many, leave what they would
leave alone; and one that was stopped ends as one that never was.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_group_record import DOUBLE, assert_same_record, assert_same_tree, both, config
from test_group_resume import Signal, _alone, _jobs, _together

from lrscope.batched.run.launch import train_together
from lrscope.core.job import Job
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.training.checkpoint_folder import read_checkpoint

STEPS = (DOUBLE, "epochs=null", "max_steps=28", "evaluate_every_steps=5")
"""12 batches an epoch: two whole epochs and a third of one."""


@pytest.mark.parametrize(
    "words",
    [
        ("scheduler=cosine",),
        ("scheduler=one_cycle", "trainer.accumulate_grad_batches=5", "max_steps=8", "evaluate_every_steps=3"),
        ("evaluate_every_steps=null", "scheduler=step", "scheduler.step_size=1"),
    ],
    ids=lambda words: words[0],
)
def test_points_and_outcomes_are_those_of_the_ordinary_run(tmp_path: Path, words: tuple[str, ...]) -> None:
    cfgs = [config(tmp_path, *STEPS, *words, lr=lr) for lr in (1e-4, 1e-2, 1e-1)]
    for number, (single, mine) in enumerate(both(cfgs, tmp_path)):
        assert_same_record(tmp_path, number, 1e-9)
        assert (mine.status, mine.verdict, mine.why, mine.steps) == (
            *(single.status, single.verdict, single.why),
            single.steps,
        )
        assert mine.steps == cfgs[0].max_steps
        best = (read_checkpoint(tmp_path / "spool" / o.local_id / "checkpoints" / "best.ckpt") for o in (mine, single))
        assert_same_tree(*best, 1e-9)


def test_members_stop_at_the_evaluation_at_which_they_would_stop_alone(tmp_path: Path) -> None:
    stopping = ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.patience=1")
    cfgs = [
        config(tmp_path, *STEPS, "optimizer=sgd", *stopping, lr=lr, **{"callbacks.early_stopping.min_delta": delta})
        for lr, delta in ((1e-5, 1.0), (0.1, 0.0), (1e5, 0.0))
    ]
    pairs = both(cfgs, tmp_path)
    for number, (single, mine) in enumerate(pairs):
        assert_same_record(tmp_path, number, 1e-9)
        assert (mine.status, mine.verdict, mine.steps) == (single.status, single.verdict, single.steps)
    assert [mine.steps for _, mine in pairs][:2] == [10, 28]


@pytest.mark.parametrize("checks", [4, 19])
@pytest.mark.parametrize("train", [_together, _alone])
def test_stopped_and_resumed_equals_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: object, checks: int
) -> None:
    assert callable(train)
    signal = Signal(monkeypatch)
    made = {
        name: [
            config(tmp_path / name, *STEPS, "model.dropout=0.2", f"scheduler={schedule}", lr=lr, seed=seed)
            for schedule, lr, seed in (("cosine", 1e-3, 0), ("cosine", 1e-2, 0), ("one_cycle", 1e-2, 1))
        ]
        for name in ("whole", "pieces")
    }
    train(made["whole"], _jobs(tmp_path / "whole"), signal, None)
    first = train([cfg.copy() for cfg in made["pieces"]], _jobs(tmp_path / "first"), signal, checks)
    assert {outcome.status for outcome in first} == {"KILLED"}
    train(made["pieces"], _jobs(tmp_path / "pieces", first), signal, None)
    for number in range(3):
        whole, pieces = (Trace.load(tmp_path / way / str(number) / TRACE).series for way in ("whole", "pieces"))
        assert whole.keys() == pieces.keys()
        for key, series in whole.items():
            assert series.steps.tolist() == pieces[key].steps.tolist(), key
            assert series.values.tolist() == pieces[key].values.tolist(), key
        assert whole["val/loss"].steps.tolist() == [4, 9, 14, 19, 24, 27]


def test_time_ends_all_members_of_a_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfgs = [config(tmp_path, "epochs=100000", "max_time=0.5", lr=lr) for lr in (1e-4, 1e-3)]
    jobs = [Job(tmp_path / str(k), (f"lr={cfg.lr}",)) for k, cfg in enumerate(cfgs)]
    outcomes = train_together(list(zip(cfgs, jobs, strict=True)), "always")
    assert {outcome.status for outcome in outcomes.values()} == {"FINISHED"}
    (done,) = {outcome.steps for outcome in outcomes.values()}
    assert f"2 members: max_time, 0.5 s, is over after {done:,} of 1,200,000 updates" in capsys.readouterr().err
    for number in range(2):
        assert Trace.load(tmp_path / str(number) / TRACE).series["val/loss"].steps[-1] == done - 1
