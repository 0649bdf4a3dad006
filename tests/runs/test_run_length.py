"""How long a run is, in other words than epochs: updates and time; and evaluation behind so many updates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lrscope.config.duration import seconds_of
from lrscope.config.overrides import run_config
from lrscope.config.validate import check
from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.probe.trial_plan import longer
from lrscope.runs.prepare import prepare
from lrscope.runs.trial_start_of import with_change
from lrscope.training import build
from lrscope.training.callbacks.stop_at_length import StopAtLength
from runs.single_runs import Trained, compose_config, single_run, train_whole, train_with_stops
from runs.test_lightning_module import model
from runs.test_resume_loader import PARTS, assert_same

BLOBS = ("dataset=blobs", "batch_size=200", "model.hidden=[6]")
"""6 updates an epoch."""

STREAM = ("dataset._target_=own_loaders.Loaders", "dataset.name=own", "experiment_name=own", *PARTS)


def steps(run: Trained, key: str) -> list[int]:
    return [step for step, _ in run.points.get(key, [])]


def values(run: Trained, key: str) -> list[float]:
    return [value for _, value in run.points[key]]


def test_a_run_ends_within_an_epoch_behind_its_last_update(tmp_path: Path) -> None:
    whole = train_whole(tmp_path / "whole", *BLOBS, "epochs=3")
    cut = train_whole(tmp_path / "cut", *BLOBS, "max_steps=15")
    assert cut.ending.error is None
    assert steps(cut, "train/loss") == list(range(15))
    assert values(cut, "train/loss") == values(whole, "train/loss")[:15]
    assert steps(cut, "epoch") == steps(cut, "val/loss") == steps(cut, "train/loss_epoch") == [5, 11, 14]
    assert values(cut, "val/loss")[:2] == values(whole, "val/loss")[:2]


@pytest.mark.parametrize(
    ("words", "updates"),
    [(["max_steps=15"], 15), (["max_steps=15", "epochs=2"], 12), (["max_steps=15", "epochs=9"], 15), ([], 300),
     (["max_steps=400"], 400)],
)  # fmt: skip
def test_whichever_comes_first_ends_the_run_and_only_nothing_said_means_50_epochs(
    tmp_path: Path, words: list[str], updates: int
) -> None:
    run = single_run(tmp_path, *BLOBS, "callbacks.look_ahead=false", *words)
    assert run.steps.step == run.run.facts.planned_steps == run.run.cfg.total_steps == updates


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (("scheduler=cosine",), 0.5 * 0.1 * (1 + torch.cos(torch.tensor(torch.pi * 14 / 15, dtype=torch.float64)))),
        (("scheduler=one_cycle",), 0.1 / 25 / 1e4),
        (("scheduler=warmup_cosine", "scheduler.warmup=0", "scheduler.floor=0.1"), None),
        (("scheduler=exponential", "scheduler.decay_steps=${total_steps}"), None),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_schedule_gets_the_true_number_of_updates(
    tmp_path: Path, schedule: tuple[str, ...], last: float | None
) -> None:
    """The rates of 15 updates are those of a run of 15 updates in whole epochs: 3 of 5."""
    five = ("trainer.limit_train_batches=5", "epochs=3")
    cut, whole = (
        train_whole(tmp_path / name, *BLOBS, "optimizer=sgd", "lr=0.1", *length, *schedule)
        for name, length in (("cut", ("max_steps=15",)), ("whole", five))
    )
    assert cut.points["lr"] == whole.points["lr"]
    if last is not None:
        assert values(cut, "lr")[-1] == pytest.approx(float(last), rel=1e-6)


def test_evaluations_stand_at_the_last_update_before_them(tmp_path: Path) -> None:
    run = train_whole(tmp_path, *BLOBS, "max_steps=20", "evaluate_every_steps=4")
    assert steps(run, "val/loss") == steps(run, "train/loss_eval") == [3, 7, 11, 15, 19]
    assert steps(run, "epoch") == [5, 11, 17, 19]
    plain = train_whole(tmp_path / "plain", *BLOBS, "max_steps=20")
    assert values(run, "train/loss") == values(plain, "train/loss")
    assert values(run, "val/loss")[-1] == values(plain, "val/loss")[-1]


def test_early_stopping_counts_evaluations_and_ends_the_run_at_one(tmp_path: Path) -> None:
    stopping = ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.min_delta=100")
    patient = ("callbacks.early_stopping.patience=2", "evaluate_every_steps=4")
    run = train_whole(tmp_path, *BLOBS, "max_steps=40", *stopping, *patient)
    assert steps(run, "val/loss") == [3, 7, 11]
    assert steps(run, "train/loss")[-1] == 11
    assert steps(run, "epoch") == [5, 11]


@pytest.mark.parametrize("stops", [[4, 4], [7, 6], [14]])
@pytest.mark.parametrize(
    "words",
    [
        (*BLOBS, "max_steps=16", "evaluate_every_steps=4", "scheduler=cosine", "model.dropout=0.2",
         "callbacks.early_stopping.enabled=true"),
        (*BLOBS, "max_steps=16", "scheduler=step", "scheduler.step_size=1", "trainer.accumulate_grad_batches=2"),
        (*model("Logging"), "dataset=blobs", "batch_size=200", "max_steps=16", "evaluate_every_steps=5",
         "model.dropout=0.3", "callbacks.early_stopping.enabled=true"),
        (*model("Adversarial"), "dataset=blobs", "batch_size=200", "optimizer=own", "max_steps=16"),
        (*STREAM, "+dataset.kind=stream that ends", "max_steps=16", "evaluate_every_steps=3"),
    ],
    ids=["by steps", "accumulated", "a module", "two optimizers", "a stream"],
)  # fmt: skip
def test_stopped_and_resumed_equals_never_stopped(tmp_path: Path, words: tuple[str, ...], stops: list[int]) -> None:
    whole = train_whole(tmp_path / "whole", *words)
    pieces = train_with_stops(tmp_path / "pieces", stops, *words)
    assert_same(whole, pieces)
    assert steps(whole, "train/loss") == list(range(16))


def test_a_module_validates_by_steps_and_sees_the_number_of_updates(tmp_path: Path) -> None:
    words = ("dataset=blobs", "batch_size=200", "max_steps=16", "evaluate_every_steps=5")
    run = train_whole(tmp_path, *model("Logging"), *words, "trainer.accumulate_grad_batches=4")
    assert steps(run, "val/loss") == steps(run, "val/acc") == steps(run, "train/loss_eval") == [4, 9, 14, 15]
    single = single_run(tmp_path / "single", *model("Logging"), *words)
    assert single.trainer.estimated_stepping_batches == 16


@pytest.mark.parametrize("kind", ["stream", "stream that ends"])
def test_a_stream_without_a_length_trains_for_so_many_updates(tmp_path: Path, kind: str) -> None:
    """One that ends, after 8 batches, begins anew."""
    words = (*STREAM, f"+dataset.kind={kind}", "scheduler=cosine", "trainer.accumulate_grad_batches=2")
    run = train_whole(tmp_path, *words, "max_steps=10", "evaluate_every_steps=3")
    assert run.ending.error is None
    assert steps(run, "train/loss") == list(range(10))
    assert steps(run, "epoch") == [9]
    assert steps(run, "val/loss") == [2, 5, 8, 9]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["max_steps=10", "epochs=3"], "epochs=3: the stream has no length: its whole run is one epoch"),
        (["epochs=3"], "has no length. Say how many updates a run has: max_steps=1000"),
    ],
)
def test_epochs_of_a_stream_without_a_length_are_refused(words: list[str], said: str) -> None:
    cfg = compose_config(*STREAM, "+dataset.kind=stream", *words)
    with pytest.raises(InputError, match=said):
        build.source(cfg)


def test_a_trial_that_is_longer_is_longer_in_the_word_that_says_how_long_the_run_is(tmp_path: Path) -> None:
    words = (*BLOBS, "max_steps=15", "epochs=4")
    run = prepare(run_config(compose_config(*words), words), Job(tmp_path, ()))
    assert run.facts.length_key == "max_steps"
    (change,) = longer("lr", [0.1], (run.facts.length_key, run.cfg.total_steps), 4)
    assert change.settings == {"lr": 0.1, "max_steps": 60}
    assert with_change(run, change).total_steps == 60


def test_time_ends_a_run_where_it_is_and_counts_what_came_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_whole(tmp_path, *BLOBS, "epochs=100000", "max_time=0.3", "tracking.every_n_steps=1")
    assert run.ending.error is None
    last = steps(run, "train/loss")[-1]
    assert last + 1 < 600000
    assert steps(run, "val/loss")[-1] == steps(run, "epoch")[-1] == last
    assert f"max_time, 0.3 s, is over after {last + 1:,} of 600,000 updates" in capsys.readouterr().err


def test_time_counts_over_all_processes_of_a_run(tmp_path: Path) -> None:
    single = single_run(tmp_path, *BLOBS, "epochs=1", "max_time=1000")
    ends = next(callback for callback in single.trainer.callbacks if isinstance(callback, StopAtLength))
    taken = ends.state_dict()["seconds"]
    assert taken > 0
    ends.load_state_dict({"seconds": 999.5})
    ends.limit.start()
    assert not ends.limit.is_over
    ends.load_state_dict({"seconds": 1000.0})
    assert ends.limit.is_over


@pytest.mark.parametrize(
    ("value", "seconds"), [(600, 600.0), (1.5, 1.5), ("00:00:10:00", 600.0), ("01:02:03:04", 93784.0), (None, None)]
)
def test_a_time_limit_is_written_as_lightning_writes_it(value: object, seconds: float | None) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["max_steps=0"], "max_steps=0: must be at least 1"),
        (["epochs=null"], "epochs=null: nothing says how long the run is"),
        (["max_time=soon"], "max_time=soon: must be seconds above 0, or DD:HH:MM:SS"),
        (["max_time=0"], "max_time=0: must be seconds above 0, or DD:HH:MM:SS"),
        (["max_time=00:25:00:00"], "max_time=00:25:00:00: must be seconds above 0"),
        (["evaluate_every_steps=0"], "evaluate_every_steps=0: must be at least 1"),
        (["evaluate_every_steps=5", "callbacks.evaluate_every_epochs=2"], "say two different things"),
        (["evaluate_every_steps=5", "scheduler=plateau"], "scheduler=plateau looks at the ends of epochs"),
        (
            [
                "evaluate_every_steps=5",
                "callbacks.early_stopping.enabled=true",
                "callbacks.early_stopping.monitor=train/loss_epoch",
            ],
            "callbacks.early_stopping.monitor=train/loss_epoch: exists at the ends of epochs",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(words: list[str], said: str) -> None:
    (problem,) = check(run_config(compose_config("dataset=blobs", *words), words))
    assert said in str(problem)
    assert "\n" not in str(problem)
