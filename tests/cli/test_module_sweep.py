"""A LightningModule of the user's on the command line: a sweep, its report, the model, the diagnosis, a refusal."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import torch
from command_line import CHECKOUT, HERE, Typed, type_command

MODULES = HERE.parent / "runs"
SHORT = ("dataset=blobs", "batch_size=200", "epochs=3", "trainer=cpu", "optimizer=own")


def typed(root: Path, *words: str, store: bool = False) -> Typed:
    return type_command(root, *words, path=MODULES, store=store)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    root = tmp_path_factory.mktemp("modules")
    done = typed(root, "-m", "model._target_=own_modules.Logged", "lr=1.0,0.05,0.0001", *SHORT, store=True)
    assert done.code == 0, done.err
    return done


def test_members_train_together_with_the_modules_own_optimizer(sweep: Typed) -> None:
    assert sum("3 members train together" in line for line in sweep.out.splitlines()) == 1
    assert sum("trains with its own Adam" in line for line in sweep.out.splitlines()) == 1


@pytest.mark.parametrize("rate", [1.0, 0.05, 0.0001])
def test_each_member_has_its_rate_its_curves_and_its_verdict(sweep: Typed, rate: float) -> None:
    run = sweep.run(f"lr={rate}")
    assert set(sweep.curve(run, "lr").values()) == {rate}
    assert list(sweep.curve(run, "train/loss")) == list(range(18))
    assert sweep.curve(run, "my/score") == sweep.curve(run, "val/acc")
    assert run.data.tags["lrscope.verdict"] and run.data.tags["mlflow.note.content"]
    assert run.info.status == "FINISHED"


def test_the_report_says_whose_optimizer_it_was(sweep: Typed) -> None:
    (parent,) = [run for run in sweep.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert "the module's own" in sweep.artifact(parent, "report/report.html").read_text().replace("&#x27;", "'")
    assert "null" not in parent.info.run_name


def test_the_best_member_leaves_its_module_as_a_model(sweep: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(MODULES)
    (model,) = sweep.root.glob("mlruns/**/MLmodel")
    answers = mlflow.pytorch.load_model(str(model.parent))(torch.zeros(3, 5))
    assert answers.shape == (3, 2)


def test_the_stored_run_is_diagnosed_as_it_was_when_it_ended(sweep: Typed) -> None:
    run = sweep.run("lr=0.05")
    program = (str(CHECKOUT / "scripts" / "diagnose.py"),)
    done = type_command(sweep.root, run.info.run_id, program=program, path=MODULES)
    assert f"## {run.data.tags['lrscope.verdict'].capitalize()}" in done.out
    assert run.data.tags["lrscope.why"].split(";")[0].lower() in done.out.lower()


WITH_A_METRIC = "training_step updates self.train_acc, a metric"


def test_members_that_cannot_be_one_model_train_one_by_one_and_a_line_says_why(tmp_path: Path) -> None:
    words = ("model._target_=own_modules.Scored", "lr=0.05,0.01", *SHORT[:-1], "sweep.report=false")
    done = typed(tmp_path, "-m", *words, store=True)
    assert done.code == 0, done.err
    said = [line for line in done.out.splitlines() if "one by one" in line]
    assert said == [f"2 members train one by one: {WITH_A_METRIC}"]
    for rate in (0.05, 0.01):
        run = done.run(f"lr={rate}")
        assert run.info.status == "FINISHED" and run.data.tags["lrscope.together"] == "false"
        assert list(done.curve(run, "train/loss")) == list(range(18))


def test_a_dry_run_says_what_would_train_together_and_what_would_not(tmp_path: Path) -> None:
    words = ("-m", "model._target_=own_modules.Logged,own_modules.Scored", "lr=0.05,0.01", *SHORT[:-1])
    done = typed(tmp_path, *words, "--dry-run")
    assert done.code == 0, done.err
    assert "  2 as one model: 18 updates each" in done.out
    assert "  2 one by one: 18 updates each" in done.out and f"    {WITH_A_METRIC}\n" in done.out


def test_a_wrong_module_ends_the_command_with_2(tmp_path: Path) -> None:
    done = typed(tmp_path, "-m", "model._target_=own_modules.Deaf", "lr=0.1,0.01", *SHORT)
    assert done.code == 2
    assert "takes it as learning_rate, but its configure_optimizers makes the same rates of it" in done.err
    assert not done.runs()
