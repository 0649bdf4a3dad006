"""Settings that were swallowed once: each changes what a run does, or is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from single_runs import compose_config
from torch import nn

from lrscope.batched.run.members import make_member
from lrscope.batched.run.stack_key import why_not_batched
from lrscope.batched.run.train_batched import train_batched
from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.prepare import prepare
from lrscope.runs.run import run
from lrscope.runs.shared_session import settings_of, share, unshare
from lrscope.training.callbacks.own import record_values
from lrscope.training.checkpoint_folder import read_checkpoint
from lrscope.training.recording import RunRecorder
from lrscope.training.recording.recording_plan import RecordingPlan

SMALL = ("dataset=blobs", "dataset.examples=200", "batch_size=100", "optimizer=sgd", "lr=0.1", "model=linear",
         "callbacks.look_ahead=false")  # fmt: skip
PER_EPOCH = 2
SCORES = (0.1, 0.9, 0.5, 0.2, 0.3, 0.4)


class Scores(pl.Callback):
    """Records a metric of its own at every epoch's end; the second epoch is the best."""

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        record_values(trainer, {"val/f1": SCORES[trainer.current_epoch]})


class Logged(pl.Callback):
    """The same, as Lightning has it."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.log("val/f1", SCORES[trainer.current_epoch])


def two_groups(parameters: object, lr: float) -> torch.optim.Optimizer:
    first, *rest = parameters  # type: ignore[misc]
    return torch.optim.SGD([{"params": [first], "name": "body"}, {"params": rest, "lr": lr / 10}], lr=lr)


class Whole(pl.LightningModule):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(5, outputs)


@dataclass(frozen=True)
class Left:
    """What a run left."""

    outcome: Outcome
    trace: Trace
    spool: Path

    def points(self, key: str) -> dict[int, float]:
        series = self.trace.get(key)
        return dict(zip(series.steps.tolist(), series.values.tolist(), strict=True))

    def rate_of_epoch(self) -> list[float]:
        """The rate at each epoch's first update."""
        rates, steps = self.points("lr"), self.outcome.steps
        known = [rates[max(s for s in rates if s <= step)] for step in range(steps)]
        return known[::PER_EPOCH]

    @property
    def checkpoints(self) -> Path:
        return self.spool / self.outcome.local_id / "checkpoints"


def trained(folder: Path, *overrides: str) -> Left:
    words = [word.replace("HERE.", f"{__name__}.") for word in overrides]
    cfg = compose_config(*SMALL, "tracking.mode=offline", f"tracking.spool={folder / 'spool'}", *words)
    cfg = run_config(cfg, words)
    outcome = run(cfg, Job(folder / "job", ()))
    return Left(outcome, Trace.load(folder / "job" / TRACE), folder / "spool")


class TestFrequency:
    def test_a_schedule_moves_at_every_nth_epoch(self, tmp_path: Path) -> None:
        words = ("scheduler=step", "scheduler.step_size=1", "scheduler.gamma=0.5", "epochs=5")
        assert trained(tmp_path / "1", *words).rate_of_epoch() == [0.1, 0.05, 0.025, 0.0125, 0.00625]
        assert trained(tmp_path / "2", *words, "+scheduler.frequency=2").rate_of_epoch() == [
            0.1,
            0.1,
            0.05,
            0.05,
            0.025,
        ]

    def test_such_a_run_is_trained_by_itself_where_the_frequency_is_counted(self, tmp_path: Path) -> None:
        def reason(*overrides: str) -> str | None:
            return why_not_batched(prepare(compose_config(*SMALL, "scheduler=step", *overrides), Job(tmp_path, ())))

        assert "frequency" in str(reason("+scheduler.frequency=2"))
        assert reason("+scheduler.frequency=1") is None
        assert reason() is None


class TestMonitorsWhereNotEveryEpochIsEvaluated:
    def test_a_plateau_schedule_counts_the_evaluated_epochs(self, tmp_path: Path) -> None:
        """Nothing is ever good enough for it, so each look but the first cuts."""
        words = ("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=9", "scheduler.threshold_mode=abs")
        left = trained(tmp_path, *words, "scheduler.factor=0.5", "callbacks.evaluate_every_epochs=2", "epochs=7")
        assert left.rate_of_epoch() == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025]
        assert not left.outcome.crashed

    def test_early_stopping_counts_the_evaluated_epochs(self, tmp_path: Path) -> None:
        words = ("enabled=true", "patience=2", "min_delta=9")
        stopping = [f"callbacks.early_stopping.{word}" for word in words]
        left = trained(tmp_path, *stopping, "callbacks.evaluate_every_epochs=2", "epochs=20")
        assert left.outcome.steps == 6 * PER_EPOCH  # evaluated at 2, 4 and 6; the last two are no better
        assert left.outcome.status == "FINISHED"

    def test_a_metric_of_every_epoch_is_looked_at_every_epoch(self, tmp_path: Path) -> None:
        words = ["enabled=true", "patience=2", "min_delta=9", "monitor=train/loss_epoch"]
        stopping = [f"callbacks.early_stopping.{word}" for word in words]
        left = trained(tmp_path, *stopping, "callbacks.evaluate_every_epochs=5", "epochs=20")
        assert left.outcome.steps == 3 * PER_EPOCH


class TestTheMetricThatIsLookedAt:
    @pytest.mark.parametrize("callback", ["Scores", "Logged"])
    def test_the_best_epoch_by_a_users_own_metric(self, tmp_path: Path, callback: str) -> None:
        words = (f"callbacks.extra=[{{_target_: HERE.{callback}}}]", "callbacks.checkpoint.monitor=val/f1", "epochs=4")
        best = read_checkpoint(trained(tmp_path, *words).checkpoints / "best.ckpt")
        assert (best["epoch"], best["monitor"]) == (2, "val/f1")

    def test_early_stopping_on_it(self, tmp_path: Path) -> None:
        words = [f"callbacks.early_stopping.{word}" for word in ("enabled=true", "monitor=val/f1", "patience=2")]
        left = trained(tmp_path, "callbacks.extra=[{_target_: HERE.Scores}]", *words, "epochs=6")
        assert left.outcome.steps == 4 * PER_EPOCH

    @pytest.mark.parametrize(
        "key", ["callbacks.checkpoint.monitor", "callbacks.early_stopping.monitor", "scheduler.monitor"]
    )
    def test_one_that_nobody_records_is_refused_with_those_that_there_are(self, tmp_path: Path, key: str) -> None:
        words = ("scheduler=plateau", "callbacks.early_stopping.enabled=true", f"{key}=val/auc", "epochs=3")
        with pytest.raises(InputError) as refused:
            trained(tmp_path, "callbacks.extra=[{_target_: HERE.Scores}]", *words)
        (problem,) = refused.value.problems
        assert (problem.key, problem.value) == (key, "val/auc")
        assert {"val/f1", "val/loss", "val/acc"} <= {name.strip(" .") for name in problem.remedy[9:].split(",")}

    def test_a_plateau_schedule_on_the_accuracy_waits_for_it_to_stop_rising(self, tmp_path: Path) -> None:
        words = ("scheduler=plateau", "scheduler.monitor=val/acc", "scheduler.patience=0", "epochs=4", "lr=0.001")
        falling = trained(tmp_path / "min", *words, "scheduler.mode=min").rate_of_epoch()
        rising = trained(tmp_path / "max", *words).rate_of_epoch()
        assert rising != falling
        accuracy = list(trained(tmp_path / "again", *words).points("val/acc").values())
        rises = [new > old * 1.0001 for old, new in pairwise(accuracy)]
        assert [new == old for old, new in pairwise(rising[1:])] == rises[: len(rising) - 2]

    def test_a_class_named_on_the_command_line_follows_its_metric_too(self) -> None:
        from lrscope.training import build

        words = ("scheduler._target_=torch.optim.lr_scheduler.ReduceLROnPlateau", "+scheduler.monitor=val/acc")
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        assert build.schedule(compose_config(*words), optimizer).mode == "max"  # type: ignore[union-attr]


class TestTheBestEpoch:
    def test_is_not_kept_where_nobody_wants_it(self, tmp_path: Path) -> None:
        kept = trained(tmp_path / "kept", "epochs=2")
        assert {file.name for file in kept.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt"}
        left = trained(tmp_path / "left", "epochs=2", "callbacks.checkpoint.best=false")
        assert {file.name for file in left.checkpoints.iterdir()} == {"last.ckpt"}

    def test_nor_of_the_members_of_a_stack(self, tmp_path: Path) -> None:
        cfgs = [
            compose_config(*SMALL, "epochs=2", f"seed={seed}", "callbacks.checkpoint.best=false",
                           "tracking.mode=offline", f"tracking.spool={tmp_path / 'spool'}")
            for seed in (0, 1)
        ]  # fmt: skip
        share(settings_of(cfgs[0]))
        try:
            runs = [prepare(cfg, Job(tmp_path / str(k), ())) for k, cfg in enumerate(cfgs)]
            outcomes = train_batched([make_member(made) for made in runs])
        finally:
            unshare(settings_of(cfgs[0]))
        for outcome in outcomes:
            folder = tmp_path / "spool" / outcome.local_id / "checkpoints"
            assert {file.name for file in folder.iterdir()} == {"last.ckpt"}


class TestSeveralParameterGroups:
    def test_the_rate_of_each_is_recorded_under_its_name(self, tmp_path: Path) -> None:
        left = trained(tmp_path, "optimizer._target_=HERE.two_groups", "scheduler=cosine", "epochs=3")
        body, rest = left.points("lr/body"), left.points("lr/1")
        assert body == left.points("lr") and len(body) == 6
        assert rest == pytest.approx({step: rate / 10 for step, rate in body.items()})

    def test_a_constant_one_costs_two_points(self, tmp_path: Path) -> None:
        left = trained(tmp_path, "optimizer._target_=HERE.two_groups", "epochs=3")
        assert left.points("lr/body") == {0: 0.1, 5: 0.1}
        assert left.points("lr/1") == pytest.approx({0: 0.01, 5: 0.01})

    def test_the_record_of_a_checkpoint_goes_on(self) -> None:
        recorder = RunRecorder(RecordingPlan.of(9))
        recorder.steps(0, [1.0], [0.5])
        recorder.group_rates(0, {"a": 0.5})
        again = RunRecorder(RecordingPlan.of(9))
        again.load_state_dict(recorder.state_dict())
        again.group_rates(1, {"a": 0.5})
        again.group_rates(2, {"a": 0.25})
        assert again.state_dict()["kept"]["lr/a"] == ([0, 1, 2], [0.5, 0.5, 0.25])

    def test_a_checkpoint_from_before_loads(self) -> None:
        state = RunRecorder(RecordingPlan.of(9)).state_dict()
        del state["group_rates"]
        RunRecorder(RecordingPlan.of(9)).load_state_dict(state)


def test_a_lightning_module_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        trained(tmp_path, "model._target_=HERE.Whole")
    (problem,) = refused.value.problems
    assert problem.key == "model._target_" and "LightningModule" in problem.rule
    assert not (tmp_path / "spool").exists()


def test_automatic_logging_of_mlflow_makes_no_run_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    import mlflow

    from lrscope.tracking import autolog

    autolog._told = False
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'own.db'}")
    mlflow.pytorch.autolog(silent=True)
    try:
        trained(tmp_path, "epochs=1")
        trained(tmp_path / "again", "epochs=1")
        assert mlflow.search_runs(search_all_experiments=True).empty
        assert capsys.readouterr().err.count("mlflow.autolog() is off while lrscope trains") == 1
    finally:
        mlflow.pytorch.autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(before)


def test_a_run_that_is_not_recorded_leaves_nothing_but_its_own_folder(tmp_path: Path) -> None:
    cfg = compose_config(*SMALL, "tracking=off", f"tracking.spool={tmp_path / 'spool'}", "tracking.log_model=all",
                         "callbacks.checkpoint.every_seconds=0", "epochs=2")  # fmt: skip
    outcome = run(cfg, Job(tmp_path / "job", ()))
    assert outcome.status == "FINISHED" and outcome.steps == 4
    assert {path.name for path in tmp_path.iterdir()} == {"job"}
