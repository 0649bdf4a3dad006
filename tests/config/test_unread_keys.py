"""A key that nothing reads is refused: unknown ones, and those that want another key beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config import schema
from lrscope.config.in_vain import NEEDS, typed_in_vain
from lrscope.config.validate import check
from lrscope.core.paths import shipped_conf


@pytest.fixture(scope="module", autouse=True)
def _conf() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        yield


def composed(*overrides: str) -> Any:
    return compose("train", list(overrides))


def told(*overrides: str) -> list[str]:
    return [str(problem) for problem in check(composed(*overrides))]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+criterion=bce", "criterion=bce: nothing reads this key. Leave +criterion out."),
        ("+foo=1", "foo=1: nothing reads this key. Leave +foo out."),
        ("+sweep.foo=1", "sweep.foo=1: nothing reads this key."),
        ("+tracking.experiment=x", "tracking.experiment=x: nothing reads this key."),
        ("+callbacks.early_stoping.enabled=true", "Did you mean callbacks.early_stopping.enabled?"),
        ("+callbacks.checkpoint.save_top_k=3", "callbacks.checkpoint.save_top_k=3: nothing reads this key."),
        ("+trainer.logger=true", "trainer.logger=true: is no argument of Lightning's Trainer that can be set here."),
        ("+trainer.max_epochs=3", "Set epochs=."),
        ("+trainer.max_epocs=3", "Set epochs=."),
        ("+trainer.fast_dev_run=true", "Choose trainer=smoke."),
    ],
)
def test_an_unknown_key_is_refused_in_a_line(override: str, words: str) -> None:
    (line,) = told(override)
    assert words in line


@pytest.mark.parametrize(
    "overrides",
    [
        ("+width=7", "model.hidden=['${width}']"),
        ("+net={width:7}", "model.hidden=['${net.width}']"),
        ("+trainer.benchmark=true", "trainer.deterministic=false"),
        ("+model.anything=3",),  # an open group: making the class says what it takes
    ],
)
def test_a_key_that_something_reads_is_fine(overrides: tuple[str, ...]) -> None:
    assert told(*overrides) == []


SILENT = tuple(f"callbacks.{name}=false" for name in ("grad_norm", "update_ratio", "update_cosine", "dead_units"))
IN_VAIN = {
    "lr": ("optimizer.lr=0.01", "lr=0.1"),
    "optimizer.lr": ("scheduler=one_cycle", "scheduler.max_lr=0.1", "optimizer.lr=0.2"),
    "optimizer.momentum": (
        "optimizer=sgd",
        "scheduler=cyclic",
        "scheduler.cycle_momentum=true",
        "optimizer.momentum=0.5",
    ),
    "optimizer.dampening": ("optimizer=sgd", "optimizer.dampening=0.1"),
    "model.activation": ("model.hidden=[]", "model.activation=tanh"),
    "model.dropout": ("model.hidden=[]", "model.dropout=0.5"),
    "model.batch_norm": ("model.hidden=[]", "model.batch_norm=true"),
    "callbacks.every": (*SILENT, "callbacks.every=3"),
    "tracking.uri": ("tracking.mode=offline", "tracking.uri=http://localhost:1"),
    "tracking.finish_timeout_s": ("tracking.mode=offline", "tracking.finish_timeout_s=3"),
    "tracking.every_n_steps": ("tracking=off", "tracking.every_n_steps=3"),
    "tracking.spool": ("tracking=off", "tracking.spool=elsewhere"),
    "callbacks.checkpoint.every_seconds": ("tracking=off", "callbacks.checkpoint.every_seconds=5"),
    "tracking.log_model": ("tracking=off", "tracking.log_model=all"),
    "resume": ("tracking=off", "resume=latest"),
    "scheduler.*": ("+scheduler.decay_steps=7",),
    "scheduler.monitor": ("scheduler=cosine", "+scheduler.monitor=val/acc"),
    "scheduler.epochs": ("scheduler=one_cycle", "+scheduler.epochs=3"),
    "scheduler.steps_per_epoch": ("scheduler=one_cycle", "+scheduler.steps_per_epoch=12"),
    "scheduler.base_momentum": ("scheduler=one_cycle", "scheduler.base_momentum=0.5"),
    "scheduler.max_momentum": ("scheduler=cyclic", "scheduler.max_momentum=0.99"),
    "scheduler.gamma": ("scheduler=cyclic", "scheduler.gamma=0.5"),
    "callbacks.early_stopping.monitor": ("callbacks.early_stopping.monitor=val/acc",),
    "callbacks.early_stopping.patience": ("callbacks.early_stopping.patience=3",),
    "callbacks.early_stopping.min_delta": ("callbacks.early_stopping.min_delta=0.1",),
    "callbacks.early_stopping.mode": ("callbacks.early_stopping.mode=max",),
    "callbacks.stop_grace_epochs": ("callbacks.stop_grace_epochs=2",),
    "callbacks.checkpoint.monitor": ("callbacks.checkpoint.best=false", "callbacks.checkpoint.monitor=val/acc"),
    "trainer.gradient_clip_algorithm": ("trainer.gradient_clip_algorithm=value",),
    "trainer.sync_batchnorm": ("+trainer.sync_batchnorm=true",),
    "sweep.workers": ("sweep.workers=2",),
    "sweep.retries": ("sweep.retries=1",),
    "sweep.engine_options.*": ("sweep.engine_options.partition=gpu",),
}
MET = {
    "lr": "optimizer.lr=${lr}",
    "optimizer.lr": "scheduler.max_lr=null",
    "optimizer.momentum": "scheduler.cycle_momentum=false",
    "optimizer.dampening": "optimizer.momentum=0.9",
    "callbacks.every": "callbacks.dead_units=true",
    **{need.key: "model.hidden=[3]" for need in NEEDS if need.key.startswith("model.")},
    **{need.key: "tracking.mode=online" for need in NEEDS if need.key.startswith(("tracking.", "resume"))},
    "scheduler.*": "scheduler=exponential",
    "scheduler.monitor": "scheduler=plateau",
    "scheduler.epochs": "scheduler.total_steps=null",
    "scheduler.steps_per_epoch": "scheduler.total_steps=null",
    "scheduler.base_momentum": "scheduler.cycle_momentum=true",
    "scheduler.max_momentum": "scheduler.cycle_momentum=true",
    "scheduler.gamma": "scheduler.mode=exp_range",
    "callbacks.stop_grace_epochs": "callbacks.stop_when=[collapsed]",
    "callbacks.checkpoint.monitor": "callbacks.checkpoint.best=true",
    "trainer.gradient_clip_algorithm": "trainer.gradient_clip_val=1",
    "callbacks.checkpoint.every_seconds": "tracking.mode=online",
    "trainer.sync_batchnorm": "trainer.devices=2",
    **{need.key: "sweep.engine=slurm" for need in NEEDS if need.key.startswith("sweep.")},
    **{need.key: "callbacks.early_stopping.enabled=true" for need in NEEDS if "early_stopping" in need.key},
}


@pytest.mark.parametrize("need", [need.key for need in NEEDS])
def test_a_key_typed_in_vain_is_refused_and_its_remedy_helps(need: str) -> None:
    words = IN_VAIN[need]
    (problem,) = typed_in_vain([(composed(*words), words)])
    assert f"{problem.key}=" in words[-1] and problem.rule and problem.remedy
    new = ("+trainer.", "+scheduler.epochs", "+scheduler.steps_per_epoch")  # keys that no option of theirs lists
    plain = (w if w.startswith(new) else w.lstrip("+") for w in words)
    helped = (*(w for w in plain if not w.startswith(MET[need].partition("=")[0] + "=")), MET[need])
    assert typed_in_vain([(composed(*helped), helped)]) == []


@pytest.mark.parametrize(
    "words",
    [
        ("tracking=off", "tracking.log_model=none", "resume=null"),
        ("model.hidden=[]", "model.dropout=0", "model.batch_norm=false"),
        ("scheduler=one_cycle", "scheduler.max_lr=0.1", "scheduler.min_lr=${lr}", "lr=0.1"),
        ("scheduler=cyclic", "lr=0.1"),
    ],
)
def test_what_is_as_it_was_asked_for_is_fine(words: tuple[str, ...]) -> None:
    cfg = composed(*(word if not word.startswith("scheduler.min_lr") else f"+{word}" for word in words))
    assert typed_in_vain([(cfg, words)]) == []


def test_a_key_that_one_member_of_a_sweep_reads_is_fine() -> None:
    """The study of decay: ``scheduler.decay_steps=50`` is for the two schedules, and not for the constant rate."""
    jobs = [("experiment=decay", f"scheduler={name}", "scheduler.decay_steps=50") for name in ("constant", "staircase")]
    assert typed_in_vain([(composed(*words), words) for words in jobs]) == []
    assert typed_in_vain([(composed(*jobs[0]), jobs[0])]) != []


@pytest.mark.parametrize("verdict", ["overfitting", "oscillating", "stalled", "too slow", "trained", "unknown"])
def test_a_verdict_that_is_certain_only_at_the_end_stops_nothing(verdict: str) -> None:
    (line,) = told(f"callbacks.stop_when=['{verdict}']")
    assert line.startswith(f"callbacks.stop_when={verdict}: is certain only when a run has ended")
    assert "callbacks.stop_when=[diverged,collapsed]" in line


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["callbacks.checkpoint.monitor=val/f1"], "must be one of train/loss_epoch, "),
        (["callbacks.extra=[{_target_:a.B}]", "callbacks.checkpoint.monitor=norm"], "whether it is to fall or to rise"),
        (
            ["callbacks.extra=[{_target_:a.B}]", "scheduler=plateau", "scheduler.monitor=norm"],
            "Say scheduler.mode=min or scheduler.mode=max.",
        ),
        (["scheduler=plateau", "+scheduler.frequency=3", "callbacks.evaluate_every_epochs=2"], "Use a multiple of 2"),
        (["scheduler=step", "+scheduler.frequency=0"], "scheduler.frequency=0: must be a whole number above 0."),
        (["scheduler=step", "+scheduler.frequency=1.5"], "scheduler.frequency=1.5: must be a whole number above 0."),
        ([f"experiment_name={'x' * 300}"], "is too long"),
        ([f"experiment_name='{'é' * 200}'"], "is too long"),
    ],
)
def test_refused_on_paper(overrides: list[str], words: str) -> None:
    (line,) = told(*overrides)
    assert words in line


@pytest.mark.parametrize(
    "overrides",
    [
        ["callbacks.extra=[{_target_:a.B}]", "callbacks.checkpoint.monitor=val/f1"],
        ["callbacks.extra=[{_target_:a.B}]", "scheduler=plateau", "scheduler.monitor=norm", "scheduler.mode=min"],
        ["scheduler=plateau", "+scheduler.frequency=4", "callbacks.evaluate_every_epochs=2"],
        ["scheduler=plateau", "callbacks.evaluate_every_epochs=5"],
    ],
)
def test_fine_on_paper(overrides: list[str]) -> None:
    assert told(*overrides) == []


@pytest.mark.parametrize(
    ("group", "key", "overrides"),
    [
        ("scheduler", "mode", ["scheduler=plateau", "scheduler.monitor={}"]),
        (
            "callbacks.early_stopping",
            "mode",
            ["callbacks.early_stopping.enabled=true", "callbacks.early_stopping.monitor={}"],
        ),
    ],
)
def test_the_direction_follows_the_metric_unless_it_was_written(group: str, key: str, overrides: list[str]) -> None:
    from omegaconf import OmegaConf

    def mode(metric: str, *more: str) -> object:
        return OmegaConf.select(composed(*(word.format(metric) for word in overrides), *more), f"{group}.{key}")

    assert (mode("val/loss"), mode("val/acc"), mode("train/acc")) == ("min", "max", "max")
    assert mode("val/acc", f"{group}.{key}=min") == "min"


class TestValuesOfTheEnvironment:
    def test_a_number_is_a_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OF_THE_USER", "0.25")
        cfg = composed("lr=${oc.env:OF_THE_USER}")
        assert check(cfg) == []
        assert cfg.lr == cfg.optimizer.lr == 0.25

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("lr=${oc.env:NOWHERE_SET}", "lr=${oc.env:NOWHERE_SET}: the environment has no variable NOWHERE_SET."),
            ("seed=${oc.env:OF_THE_USER}", "OF_THE_USER=0.25: must be a whole number, as seed refers to it."),
            ("optimizer.eps=${oc.env:OF_THE_USER}", "Let the shell write it: optimizer.eps=$OF_THE_USER"),
            ("model.dropout=${nope}", "model.dropout=${nope}: has no value"),
        ],
    )
    def test_one_that_does_not_fit_is_told_where_it_was_written(
        self, override: str, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OF_THE_USER", "0.25")
        (line,) = told(override)
        assert words in line

    def test_mlflows_experiment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the team")
        assert composed().experiment_name == "of the team"
        assert composed("experiment=line").experiment_name == "of the team"
        assert composed("experiment_name=mine").experiment_name == "mine"
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "")
        assert composed().experiment_name == "digits"
