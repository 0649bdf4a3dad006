"""What a user types in the place of another kind of value is told by its key, with the rule and what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.test_remedies import _conf, problems  # noqa: F401
from lrscope.config.group_options import several_options, without_class
from lrscope.config.in_vain import launched_in_vain
from lrscope.config.instantiate import instantiated, reason_of
from lrscope.core.errors import InputError

ODD = {
    "epochs=1e2": "epochs=1e2: must be a whole number. Write epochs=100.",
    "max_steps=8.0": "max_steps=8.0: must be a whole number. Write max_steps=8.",
    "trainer.accelerator=[cpu]": "trainer.accelerator=[cpu]: must be one word. Try trainer.accelerator=auto.",
    "experiment_name={a:1}": "experiment_name={a:1}: must be one word.",
    "callbacks.extra={_target_:mine.X}": "must be a list. Write 'callbacks.extra=[{_target_:mine.X}]'.",
    "model._target_=mine.Net()": "calls it. Write model._target_=mine.Net; its arguments are keys beside it.",
    "optimizer=sgd optimizer.nesterov=no": "optimizer.nesterov=no: must be true or false.",
    "model.batch_norm=off": "model.batch_norm=off: must be true or false. Try model.batch_norm=false.",
    "model.zero_bias=null": "model.zero_bias=null: must be true or false.",
    "optimizer.weight_decay=null": "optimizer.weight_decay=null: must be a number. Try optimizer.weight_decay=0.0.",
    "optimizer.weight_decay=true": "optimizer.weight_decay=true: must be a number.",
    "optimizer.eps=[1]": "optimizer.eps=[1]: must be a number.",
    "optimizer.lr=abc": "optimizer.lr=abc: must be a number. Try optimizer.lr=0.001.",
    "optimizer.betas=[0.9]": "optimizer.betas=[0.9]: must hold 2 numbers. Try optimizer.betas=[0.9,0.999].",
    "optimizer.betas=[0.9,a]": "optimizer.betas=[0.9,a]: must be a list of numbers.",
    "model.hidden=[5,true]": "model.hidden=[5,true]: must be a list of whole numbers. Try model.hidden=[25,12].",
    "model.hidden=null": "model.hidden=null: must be a list. Try model.hidden=[25,12].",
    "model.activation=[relu,tanh]": "model.activation=[relu,tanh]: must be one word. Try model.activation=relu.",
    "dataset=blobs dataset.examples=12.5": "dataset.examples=12.5: must be a whole number.",
    "dataset=blobs dataset.distance=far": "dataset.distance=far: must be a number. Try dataset.distance=3.0.",
    "dataset=blobs dataset.distance=nan": "dataset.distance=nan: must be a finite number. Try dataset.distance=3.0.",
    "dataset=blobs dataset.examples=inf": "dataset.examples=inf: must be a whole number.",
    "loss=huber loss.delta=inf": "loss.delta=inf: must be a finite number.",
    "scheduler=one_cycle scheduler.max_lr=0": "scheduler.max_lr=0: must be above 0.",
    "scheduler=one_cycle scheduler.max_lr=nan": "scheduler.max_lr=nan: must be above 0.",
    "scheduler._target_=[1,2]": "scheduler._target_=[1, 2]: must name a class as package.module.Class.",
    "scheduler._target_={a:1}": "must name a class as package.module.Class. Try scheduler=constant.",
    "loss._target_=7": "loss._target_=7: must name a class as package.module.Class. Try loss=auto.",
    "loss=huber loss.delta=null": "loss.delta=null: must be a number.",
    "lr=1e300": "lr=1e+300: is more than the largest 32-bit number",
    "trainer.devices=0": "trainer.devices=0: must be a number of devices, a list of them, or auto.",
    "trainer.devices=true": "trainer.devices=true: must be a number of devices",
    "trainer.devices=null": "trainer.devices=null: must be a number of devices",
    "trainer.threads=100000": "trainer.threads=100000: must be from 1 to 1024.",
    "trainer.num_nodes=2": "trainer.num_nodes=2: would wait for the other machines",
    "trainer.precision=bf16-true": "trainer.precision=bf16-true: must be one of 32-true, 64-true,",
    "+trainer.detect_anomaly=1": "trainer.detect_anomaly=1: must be true or false. Try +trainer.detect_anomaly=true.",
    "+trainer.benchmark=yes_please": "trainer.benchmark=yes_please: must be true or false.",
    "+trainer.benchmark=true": "trainer.benchmark=true: chooses by time, which trainer.deterministic=true rules out.",
    "+trainer.sync_batchnorm=true": "trainer.sync_batchnorm=true: a single device has nobody to share",
    "tracking.spool=''": "tracking.spool='': must be a folder. Try tracking.spool=outputs/spool.",
    "find=on find.high=inf": "find.high=inf: rates are tried from find.low to find.high",
    "tracking=off tracking.spool=x": "tracking.spool=x: nothing is recorded with tracking.mode=off.",
    "tracking=off callbacks.checkpoint.every_seconds=5": "every_seconds=5: nothing is recorded with",
    "epochs=5 callbacks.early_stopping.enabled=true callbacks.early_stopping.patience=5": "is never stopped early",
    "sweep.confirm=2": "sweep.confirm=2: must be true or false. Try sweep.confirm=false.",
    "sweep.report=-1": "sweep.report=-1: must be true or false. Try sweep.report=true.",
    "trainer.deterministic=10": "trainer.deterministic=10: must be true or false.",
    "callbacks.look_ahead='7'": "callbacks.look_ahead='7': must be true or false.",
    "callbacks.early_stopping.enabled=5": "callbacks.early_stopping.enabled=5: must be true or false.",
    "callbacks.checkpoint.best=3": "callbacks.checkpoint.best=3: must be true or false.",
    "tracking.system_metrics=00": "tracking.system_metrics=00: must be true or false.",
    "epochs=5 callbacks.stop_when=[collapsed] callbacks.stop_grace_epochs=9": "no verdict would stop it",
    **{
        f"dataset={name} dataset.seed={seed}": f"dataset.seed={seed}: a seed is a whole number from 0 to 2^32 - 1. Try"
        for name, seed in (("blobs", -1), ("digits", -1), ("fingers", 2**32), ("arrays", -7), ("blobs", 2**64))
    },
    "scheduler=cosine scheduler.T_max=null": "scheduler.T_max=null: must be a whole number above 0. Leave it out:",
    "scheduler=warmup_cosine scheduler.total_steps=null": "scheduler.total_steps=null: must be a whole number above 0.",
    "scheduler=cyclic scheduler.steps_per_epoch=null": "scheduler.steps_per_epoch=null: must be a whole number above",
    "scheduler=cosine scheduler.eta_min=true": "scheduler.eta_min=true: must be 0 or above.",
    "scheduler=cyclic scheduler.base_lr=true": "scheduler.base_lr=true: must be 0 or above.",
    "scheduler=cyclic scheduler.mode=null": "scheduler.mode=null: must be one of triangular,",
    "scheduler=multistep scheduler.milestones=[a,true]": "scheduler.milestones=[a,true]: must be whole numbers",
    "scheduler=step scheduler.interval=null": "scheduler.interval=null: must be step or epoch.",
    "scheduler=cyclic scheduler.cycle_momentum=true scheduler.max_momentum=2": "must be 0 or above and below 1.",
    "scheduler=one_cycle scheduler.cycle_momentum=true scheduler.base_momentum=1": "must be 0 or above and below 1.",
    "scheduler=one_cycle scheduler.cycle_momentum=true scheduler.base_momentum=-1": "must be 0 or above and below 1.",
    "scheduler=one_cycle +scheduler.epochs=3": "scheduler.epochs=3: scheduler.total_steps goes before it.",
}


@pytest.mark.parametrize("typed", ODD)
def test_is_told_in_a_line(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID", "KUBERNETES_PORT"):
        monkeypatch.delenv(name, raising=False)
    told = [str(problem) for problem in problems(typed.split())]
    assert len(told) == 1, told
    assert ODD[typed] in told[0]


@pytest.mark.parametrize(
    "typed",
    [
        "trainer.devices=auto",
        "scheduler=cyclic scheduler.half_cycle_epochs=0.5",
        "scheduler=one_cycle scheduler.total_steps=null +scheduler.epochs=3 +scheduler.steps_per_epoch=12",
        "sweep.confirm=1 trainer.deterministic=0 callbacks.test=true sweep.report=False callbacks.progress=none",
        "trainer.devices=[0]",
        "trainer.threads=8",
        "+trainer.detect_anomaly=true",
        "+trainer.benchmark=true trainer.deterministic=false",
        "+trainer.sync_batchnorm=true trainer.devices=2",
        "epochs=5 callbacks.early_stopping.enabled=true callbacks.early_stopping.patience=4",
        "epochs=null max_steps=9 callbacks.early_stopping.enabled=true callbacks.early_stopping.patience=4",
    ],
)
def test_what_has_an_effect_is_taken(typed: str) -> None:
    assert problems(typed.split()) == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("loss=huber loss._target_=null", "loss._target_=null: takes loss=huber its class"),
        ("loss=mae loss._target_=null", "loss._target_=null: takes loss=mae its class"),
        ("scheduler=step scheduler._target_=null scheduler.step_size=3", "or choose scheduler=constant."),
        ("loss=auto loss._target_=null", ""),
        ("loss._target_=null scheduler=constant scheduler._target_=null", ""),
    ],
)
def test_the_class_of_an_option_is_not_taken_away(typed: str, told: str) -> None:
    found = "".join(str(problem) for problem in without_class(typed.split()))
    assert told in found and bool(told) == bool(found)


def test_an_error_of_several_lines_is_told_by_its_first() -> None:
    assert reason_of(KeyError("no rate of its own\nThis may be because")) == "no rate of its own"
    assert reason_of(KeyError("rate")) == "'rate'"


def test_one_option_of_a_group_is_wanted() -> None:
    words = ["model=[mlp,cnn]", "trainer=[cpu,gpu]", "metrics=[f1,auroc]", "model=[mlp]", "model.hidden=[5,5]"]
    assert [str(problem) for problem in several_options(words)] == [
        "model=[mlp,cnn]: takes one option, and these would be laid over each other. Choose one, or sweep over "
        "them: -m model=mlp,cnn.",
        "trainer=[cpu,gpu]: takes one option, and these would be laid over each other. Choose one, or sweep over "
        "them: -m trainer=cpu,gpu.",
    ]


def test_several_machines_are_taken_where_somebody_tells_them_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    assert problems(["trainer.num_nodes=2"]) == []


BROKEN = {
    "unclosed": ("class Net(\n", "'(' was never closed", "Mend that file."),
    "needing": ("import not_installed_here\n", "No module named 'not_installed_here'", "Install not_installed_here,"),
    "ending": ("import sys\nsys.exit(3)\n", "SystemExit: 3", "Mend that file."),
    "dividing": ("1 / 0\n", "ZeroDivisionError: division by zero", "Mend that file."),
    "circling": ("from circling import Net\n", "circular import", "Mend that file."),
    "empty": ("", "has no attribute 'Net'", "Write package.module.Class"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_imported_is_run_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, reason, remedy = BROKEN[name]
    counts = f"import pathlib\npathlib.Path({str(tmp_path)!r}, 'ran').mkdir()\n"  # a second time would raise
    (tmp_path / f"{name}.py").write_text(counts + code)
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(3):
        told = refused(f"{name}.Net")
        assert reason in told
        assert remedy in told
        assert ("Did you mean" in told) <= (name == "empty")


def test_a_colon_is_told() -> None:
    assert "is no name with dots alone. Write model._target_=torch.nn.Linear." in refused("torch.nn:Linear")


def refused(target: str) -> str:
    from omegaconf import OmegaConf

    with pytest.raises(InputError) as error:
        instantiated("model", OmegaConf.create({"_target_": target}))
    return str(error.value)


def test_what_asks_for_members_is_told_of_a_lone_run() -> None:
    from omegaconf import OmegaConf

    hydra = OmegaConf.create({"mode": "RUN", "overrides": {"hydra": []}})
    (told,) = map(str, launched_in_vain(hydra, ["sweep.report=false", "sweep.together=never", "sweep.together=always"]))
    assert told == "sweep.together=always: is for the members of a sweep, and this is one run. Add -m, or leave it out."
