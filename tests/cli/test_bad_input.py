"""What a user gets for a command that cannot be done: a line or two, an exit code, and no run left behind."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from command_line import HERE, Typed, type_command

ABSENT = "gpu" if sys.platform == "darwin" else "mps"
"""An accelerator that no machine of this system has."""

SIGNS_INSTEAD = "python train.py experiment=signs dataset=fingers"

REFUSED_BY_HYDRA: dict[tuple[str, ...], list[str]] = {
    ("lr=abc",): ["lr=abc: must be a number. Try lr=0.001."],
    ("lr=null",): ["lr=null: cannot be null. Try lr=0.001."],
    ("epochs=1.5",): ["epochs=1.5: must be a whole number. Try epochs=50."],
    ("modle=mlp",): ["modle=mlp: there is no such key. Did you mean model?"],
    ("learning_rate=0.1",): ["learning_rate=0.1: there is no such key. Did you mean lr?"],
    ("optimizer=adma",): ["optimizer=adma: there is no such option. Did you mean adam or adamw?"],
    ("scheduler=glob(co*)",): ["scheduler=glob(co*): several values for one run. Add -m to sweep over them."],
    ("metrics=[f1,acuracy]",): [
        "metrics=[f1,acuracy]: there is no such option. Did you mean accuracy or auroc? Choose one of accuracy, auroc,"
    ],
    ("-m", "lr=0.1,", "0.01"): [
        "lr=0.1,: ends with a comma, so that its next value is a word of its own. Write the values without spaces:",
        "0.01: is a value without a key. Write it behind its comma, without a space.",
    ],
    ("sweep.objective=val/r2",): ["Add metrics=[r2], or try sweep.objective=val/loss."],
    ("trainer.max_steps=10",): ["trainer.max_steps=10: there is no such key. Did you mean max_steps?"],
    ("callbacks.checkpoint.every_seconds=-1",): [
        "callbacks.checkpoint.every_seconds=-1: must be a number of seconds, 0 or above. Try 30."
    ],
    ("model=foo",): ["model=foo: there is no such option. Choose one of cnn, gru, hf, linear, mlp, resnet, timm,"],
    ("experiment=foo",): ["experiment=foo: there is no such option. Choose one of decay, line, signs, strategies."],
    ("-m", "lr=1,0.1", "hydra/launcher=ray"): [
        "Its plugin wants cloudpickle below 3 (docs/engines.md). Have groups of members on Ray: sweep.engine=ray."
    ],
    ("lrr=1",): ["lrr=1: there is no such key. Did you mean lr? `python train.py --cfg job` shows all keys."],
    ("model.hiddn=[1]",): ["model.hiddn=[1]: there is no such key. Did you mean model.hidden? "],
    ("scheduler.step_size=3",): ["scheduler.step_size=3: there is no such key. scheduler=step has it."],
    ("callbacks.patience=3",): ["callbacks.patience=3: there is no such key. Did you mean callbacks.early_stopping."],
    ("lr=1,0.1",): ["lr=1,0.1: several values for one run. Add -m to sweep over them."],
    ("model.hidden=9,3",): ["Add -m to sweep over them, or write model.hidden=[9,3] for a list."],
    ("optimizer.momentm=0.9",): ["Did you mean optimizer.momentum, a key of optimizer=rmsprop, optimizer=sgd?"],
    ("--lr=0.1", "-epochs", "5"): [
        "--lr=0.1: there is no such option. Write lr=0.1,",
        "Write epochs=5, without dashes.",
    ],
    ("model.hidden=[1",): ["model.hidden=[1: holds what Hydra's grammar does not take"],
    ("dataset.path=my file²",): ["Quote it twice: 'dataset.path=\"my file²\"'."],
    ("metrics=[f1,acc]",): ["there is no such option. Did you mean accuracy"],
    ("loss=mine.Focal",): ["To put in that class write loss._target_=mine.Focal."],
    ("lr=0,01",): ["Add -m to sweep over them, or write lr=0.01 for one number."],
    ("lr=10^-3",): ["lr=10^-3: must be a number. Try lr=0.001."],
    ("-m", "lr=[1,0.1]"): ["lr=[1,0.1]: must be a number. To sweep write -m lr=1,0.1."],
    ("-m", "lr=(1,0.1)"): ["lr=(1,0.1): must be a number. To sweep write -m lr=1,0.1."],
    ("-m", "epochs=1 5"): ["epochs=1 5: must be a whole number. To sweep write -m epochs=1,5."],
    ("-m", "lr=logspace(-4,0)"): ["there is no function logspace. Write lr=1,2, lr=range(0,5) or lr=interval("],
    ("-m", "lr=interval(1e-5)"): ["interval() cannot be used so: missing a required argument"],
    ("callbacks.early_stopping=true",): ["Set one of callbacks.early_stopping.enabled, callbacks.early_stopping."],
    ("early_stopping=true",): ["Did you mean callbacks.early_stopping.enabled?"],
    ("callbacks.extra=[mine.Callback]",): ["Write 'callbacks.extra=[{_target_: mine.Callback}]'."],
    ("-m", "experiment=decay,line"): [
        "experiment=decay: sweeps over scheduler by itself, and cannot be a member of another sweep. Start",
        "experiment=line: sweeps over lr by itself",
    ],
    ("trainer=null",): ["trainer=null: must name one of the group's options."],
    ("+hydra.sweeper.params.lr=1",): ["+hydra.sweeper.params.lr=1: Hydra cannot start so (AssertionError"],
    ("+model=cnn",): ["model=cnn: is there already. Write model=cnn, without the +."],
    ("lr=abc", "epochs=x", "seed=-1"): [
        "lr=abc: must be a number.",
        "epochs=x: must be a whole number.",
        "seed=-1: a seed is a whole number",
    ],
}
"""One run; Hydra itself cannot compose it: exit code 2."""

ON_PAPER: dict[tuple[str, ...], list[str]] = {
    ("lr=0",): ["lr=0: a learning rate is a finite number above 0. Try lr=0.001."],
    ("lr=-1",): ["lr=-1: a learning rate is a finite number above 0."],
    ("lr=nan",): ["lr=nan: a learning rate is a finite number above 0."],
    ("lr=inf",): ["lr=inf: a learning rate is a finite number above 0."],
    ("seed=-1",): ["seed=-1: a seed is a whole number from 0 to 2^32 - 1. Try seed=0."],
    ("epochs=0",): ["epochs=0: at least one epoch is needed."],
    ("batch_size=0",): ["batch_size=0: a batch holds at least one example."],
    ("~lr",): ["lr: was deleted, but every run needs it. Leave ~lr out."],
    ("optimizer.lr=${nope}",): ["optimizer.lr=${nope}: has no value"],
    ("hydra.run.dir=${nope}",): [
        "hydra.run.dir=${nope}: refers to what is not there (Interpolation key 'nope' not found)."
    ],
    ("-m", "lr=1,2", "hydra.sweep.subdir=${nope}/${hydra.job.num}"): [
        "hydra.sweep.subdir=${nope}/${hydra.job.num}: refers to"
    ],
    ("-m", "lr=1,2", "hydra.sweep.dir=${nope}"): ["hydra.sweep.dir=${nope}: refers to what is not there"],
    ("trainer.precision=foo",): ["trainer.precision=foo: must be one of 32-true, "],
    ("scheduler=cyclic", "scheduler.base_lr=2"): ["scheduler.base_lr=2: lies above the peak rate lr=0.001."],
    ("scheduler=plateau", "scheduler.interval=step"): ["scheduler.interval=step: its metric exists once an epoch."],
    ("scheduler=step", "scheduler.step_size=0"): ["scheduler.step_size=0: must be a whole number above 0."],
    ("scheduler=multistep", "scheduler.milestones=[9,3]"): ["scheduler.milestones=[9,3]: must be whole numbers"],
    ("callbacks.stop_when=[bored]",): ["callbacks.stop_when=bored: "],
    ("callbacks.checkpoint.monitor=foo",): ["callbacks.checkpoint.monitor=foo: must be one of train/loss_epoch, "],
    ("+loss=bce",): ["loss=bce: is there already. Write loss=bce, without the +."],
    ("+scheduler.foo=3",): ["scheduler.foo=3: a constant rate reads no such key."],
    ("callbacks.early_stopping.patience=3",): [
        "callbacks.early_stopping.patience=3: has an effect with early stopping"
    ],
    ("callbacks.stop_when=[overfitting]",): ["callbacks.stop_when=overfitting: is certain only when a run has ended"],
    ("+trainer.logger=true",): ["trainer.logger=true: is no argument of Lightning's Trainer that can be set here."],
    ("hydra/launcher=joblib", "sweep.together=always"): [
        "hydra/launcher=joblib: is for the members of a sweep, and this is one run. Add -m, or leave it out.",
        "sweep.together=always: is for the members of a sweep",
    ],
    ("batch_size=0", "model.hidden=[]", "model.activation=tanh"): [
        "batch_size=0: a batch holds",
        "model.activation=tanh: a network without hidden layers has none of it.",
    ],
    ("steps_per_epoch=3",): ["steps_per_epoch=3: is counted from the data and cannot be set."],
    ("tracking.uri=file:runs",): ["tracking.uri=file:runs: MLflow writes to a database or a server"],
    ("tracking.uri=postgresql://anna:secretpw@db/mlflow",): [
        "tracking.uri=postgresql://***@db/mlflow: holds a password, which Hydra would write into its files."
    ],
    ("lr=-1", "epochs=0"): ["lr=-1: a learning rate is", "epochs=0: at least one epoch"],
}
"""Seen without loading torch or data: exit code 2."""

IN_PRACTICE: dict[tuple[str, ...], list[str]] = {
    ("batch_size=100000",): ["batch_size=100000: must be from 1 to 1437, the number of training examples."],
    ("model=cnn", "dataset=blobs"): [
        "model=cnn: takes images [channels, height, width], but the dataset has examples of shape [5]."
    ],
    ("+model.input_shape=[10]",): [
        "expects inputs of shape [10] (flat), but the dataset digits has examples of shape [1, 8, 8]."
    ],
    ("+model.outputs=3",): ["answers [3] numbers an example, but the dataset digits needs [10]"],
    ("dataset=signs", "dataset.path=/nowhere"): [
        "train_signs.h5 is missing; looked for /nowhere/train_signs.h5",
    ],
    ("scheduler._target_=torch.optim.lr_scheduler.StepLR",): [
        "scheduler.step_size: is missing, torch.optim.lr_scheduler.StepLR needs it. Add +scheduler.step_size=VALUE."
    ],
    ("scheduler=step", "+scheduler.foo=3"): [
        "scheduler.foo=3: torch.optim.lr_scheduler.StepLR takes no such argument. It takes step_size, gamma, "
    ],
    ("scheduler=one_cycle", "scheduler.total_steps=3"): [
        "scheduler.total_steps=3: ends after 3 moves, but the run makes 2250."
    ],
    ("optimizer=sgd", "optimizer.nesterov=true"): ["Nesterov momentum requires a momentum and zero dampening"],
    ("model._target_=nope.Nope",): ["model._target_=nope.Nope: cannot be imported (No module named 'nope')."],
    ("model._target_=torch.nn.Linaer",): ["Did you mean torch.nn.Linear?"],
    ("+model.hiden=[3]",): ["Did you mean hidden?"],
    ("callbacks.test=true",): ["callbacks.test=true: the dataset digits has no test part in memory."],
    ("model._target_=torch.optim.Adam",): ["model needs a torch.nn.modules.module.Module."],
    ("callbacks.extra=[{_target_:nope.X}]",): ["callbacks.extra._target_=nope.X: cannot be imported"],
    ("trainer.strategy=foo",): ["trainer.strategy=foo: You selected an invalid strategy name"],
    (
        "dataset=line",
        "batch_size=4",
        "callbacks.early_stopping.enabled=true",
        "callbacks.early_stopping.monitor=val/acc",
    ): [
        "callbacks.early_stopping.monitor=val/acc: the data have no validation part. "
        "Try callbacks.early_stopping.monitor=train/loss_eval.",
    ],
}
"""Seen by loading the data and building the parts: exit code 2."""

SWEEPS: dict[tuple[str, ...], list[str]] = {
    ("-m", "lr=1,abc,-2,nan", "seed=0,-1"): [
        "lr=abc: must be a number.",
        "lr=-2: a learning rate",
        "lr=nan: a learning rate",
        "seed=-1: a seed",
    ],
    ("-m", "lr=0.1,1e-1"): ["lr=0.1: members 0 and 1 of the sweep have the same config"],
    ("-m", "optimizer=sgd,sgd", "hydra/launcher=joblib"): ["members 0 and 1 of the sweep have the same config"],
    ("-m", "lr=1,0.1", "epochs=abc"): ["epochs=abc: must be a whole number."],
    ("-m", "lr=1,0.1", "lrr=1,2"): ["lrr=1: there is no such key.", "lrr=2: there is no such key."],
    ("-m", "lr=1,0.1", "model=mlp,foo"): ["model=foo: there is no such option."],
    ("-m", "lr=range(1,0)"): ["has no members"],
    ("-m", "lr=1,-1", "hydra/launcher=joblib", "sweep.together=always"): [
        "lr=-1: a learning rate",
        "sweep.together=always: this launcher trains each member by itself. Leave one of the two out.",
    ],
    ("lr=1,abc", "-m", "seed=-1"): ["lr=abc: must be a number.", "seed=-1: a seed"],
    ("-m", "lr=0.1,1", "epochs=0", "batch_size=100000", "model=cnn,foo", "dataset=blobs"): [
        "model=foo: there is no such option.",
        "epochs=0: at least one epoch",
        "batch_size=100000: must be from 1 to 1200",
        "model=cnn: takes images",
    ],
    ("-m", "lr=-1,0", "dataset=signs", "dataset.path=/nowhere", "hydra/launcher=joblib"): [
        "lr=-1: a learning rate",
        "lr=0: a learning rate",
        "train_signs.h5 is missing",
    ],
    ("-m", "lr=1,0.1", "dataset=signs", "dataset.path=DAMAGED"): ["train_signs.h5 is damaged: "],
    ("-m", "lr=1,0.1", f"trainer={ABSENT}"): [f"trainer.accelerator={ABSENT}: "],
    ("experiment=line", "lr=0.1,abc"): ["lr=abc: must be a number."],
    ("-m", "hydra/sweeper=own", "hydra.sweeper.batches=[[0.1,-3,abc]]"): ["lr=abc: must be", "lr=-3: a learning rate"],
    ("-m", "hydra/sweeper=own", "hydra.sweeper.batches=[[0.1,-3]]", "hydra/launcher=joblib", "batch_size=9999"): [
        "lr=-3: a learning rate",
        "batch_size=9999: must be from 1 to 1437",
    ],
    ("-m", "lr=-1,0.1", "tracking.uri=http://127.0.0.1:9"): [
        "lr=-1: a learning rate",
        "tracking.uri=http://127.0.0.1:9: cannot be reached",
    ],
    ("-m", "lr=1,0.1", "tracking.uri=file:runs"): ["tracking.uri=file:runs: MLflow writes to a database or a server"],
}
"""Every problem of every job at once: exit code 2, under every launcher."""

CASES = [
    (code, words, lines)
    for code, cases in ((2, REFUSED_BY_HYDRA), (2, ON_PAPER), (2, IN_PRACTICE), (2, SWEEPS))
    for words, lines in cases.items()
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, dict[tuple[str, ...], dict[str, str]]]:
    """All cases, typed into one fresh process."""
    root = tmp_path_factory.mktemp("bad")
    damaged = tmp_path_factory.mktemp("damaged")
    for part in ("train", "test"):
        (damaged / f"{part}_signs.h5").write_bytes(b"not an h5 file")
    commands = tmp_path_factory.mktemp("commands") / "commands.json"
    commands.write_text(json.dumps([[w.replace("DAMAGED", str(damaged)) for w in words] for _, words, _ in CASES]))
    typed = type_command(root, str(commands), program=[str(HERE / "type_many.py")])
    assert typed.code == 0, typed.err
    return typed, dict(zip([words for _, words, _ in CASES], json.loads(typed.out), strict=True))


@pytest.mark.parametrize(("code", "words", "expected"), CASES, ids=[" ".join(words) for _, words, _ in CASES])
def test_says_what_is_wrong_in_a_line_each(answers, code: int, words: tuple[str, ...], expected: list[str]) -> None:
    answer = answers[1][words]
    lines = answer["err"].splitlines()
    assert answer["code"] == code, answer["err"]
    assert len(lines) == len(expected), answer["err"]
    for part in expected:
        assert [line for line in lines if line.startswith("error: ") and part in line], answer["err"]
    assert not answer["out"]


def test_leaves_nothing_behind(answers) -> None:
    typed, _ = answers
    assert typed.runs() == []
    assert list(typed.root.iterdir()) == [], "not even a folder"


def test_a_missing_data_file_names_what_to_do(answers) -> None:
    _, by_words = answers
    assert SIGNS_INSTEAD in by_words["dataset=signs", "dataset.path=/nowhere"]["err"]


PATIENCE_S = 60
"""A few seconds on a quiet machine; MLflow by itself would try for 247."""


@pytest.mark.parametrize("mode", [[], ["-m", "lr=1,0.1"]], ids=["run", "sweep"])
def test_a_store_that_is_not_there_is_told_at_once(tmp_path: Path, mode: list[str]) -> None:
    typed = type_command(tmp_path, *mode, "tracking.uri=http://127.0.0.1:9")
    assert typed.code == 2
    assert "tracking.uri=http://127.0.0.1:9: cannot be reached (connection refused)" in typed.err
    assert "tracking.mode=offline" in typed.err
    assert len(typed.err.splitlines()) == 1
    assert typed.seconds < PATIENCE_S


def test_a_store_that_hangs_is_told_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        typed = type_command(tmp_path, f"tracking.uri={uri}")
    assert typed.code == 2
    assert f"tracking.uri={uri}: cannot be reached (no answer" in typed.err
    assert len(typed.err.splitlines()) == 1
    assert typed.seconds < PATIENCE_S
