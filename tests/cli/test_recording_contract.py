"""What a run and a sweep leave in MLflow: the public contract, on real ones."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path

import pytest
import torch
import yaml
from command_line import CHECKOUT, Typed, type_command
from mlflow.entities import Run

from lrscope.core.fingerprint import flatten
from lrscope.core.verdict import Verdict
from lrscope.runs.lifecycle import word

STEPS, PER_EPOCH = 20, 10


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """A run of 20 steps, two epochs of ten, whose rate changes at every step; started from some other folder."""
    words = ["dataset=blobs", "model.hidden=[6]", "optimizer=sgd", "epochs=2", "batch_size=120", "trainer=cpu"]
    words += ["lr=0.5", "scheduler=exponential", "scheduler.decay_steps=5", "optimizer.lr=${lr}"]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    typed = type_command(tmp_path_factory.mktemp("lone"), *words, cwd=elsewhere)
    assert typed.code == 0, typed.err
    assert not list(elsewhere.iterdir()), "something was written to the working folder"
    return typed


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """The study of the line at two rates, one of which diverges."""
    typed = type_command(
        tmp_path_factory.mktemp("sweep"), "-m", "experiment=line", "lr=0.01,1", "epochs=60", store=True
    )
    assert typed.code == 0, typed.err
    return typed


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """A sweep in other processes over a user's own model; one member's raises at its fifth step."""
    words = ["-m", "hydra/launcher=joblib", "dataset=blobs", "epochs=1", "batch_size=120", "trainer=cpu"]
    words += ["model._target_=fragile.Fragile", "+model.fails_at=5,0", "sweep.together=never"]
    return type_command(tmp_path_factory.mktemp("crashed"), *words, store=True)


def only(typed: Typed) -> Run:
    (run,) = typed.runs()
    return run


def by_kind(typed: Typed, kind: str) -> list[Run]:
    return [run for run in typed.runs() if run.data.tags["lrscope.kind"] == kind]


class TestLoneRun:
    def test_is_finished_and_named_by_what_was_typed(self, lone: Typed) -> None:
        run = only(lone)
        assert run.info.status == "FINISHED"
        assert run.data.tags["lrscope.kind"] == "run"
        assert "lr=0.5" in run.info.run_name

    def test_lies_in_the_experiment_of_its_dataset_below_the_root(self, lone: Typed) -> None:
        experiment = lone.client.get_experiment(only(lone).info.experiment_id)
        assert experiment.name == "blobs"
        assert experiment.artifact_location == (lone.root / "mlruns" / "blobs").as_uri()

    def test_every_leaf_of_the_resolved_config_is_a_param(self, lone: Typed) -> None:
        run = only(lone)
        config = yaml.safe_load(lone.artifact(run, "config.yaml").read_text())
        assert run.data.params == {key: word(value) for key, value in flatten(config).items()}
        expected = {"lr": "0.5", "model.hidden": "[6]", "scheduler.decay_steps": "5", "optimizer.momentum": "0.0"}
        assert expected.items() <= run.data.params.items()
        assert config["total_steps"] == STEPS

    def test_the_rate_of_every_step_is_the_one_that_was_used(self, lone: Typed) -> None:
        rates = lone.curve(only(lone), "lr")
        assert list(rates) == list(range(STEPS))
        assert rates == pytest.approx({step: 0.5 * 0.96 ** (step / 5) for step in range(STEPS)}, rel=1e-12)

    def test_peak_rate_is_one_point(self, lone: Typed) -> None:
        assert list(lone.curve(only(lone), "peak_lr").values()) == [0.5]

    def test_every_step_of_a_short_run_has_its_loss_and_signals(self, lone: Typed) -> None:
        run = only(lone)
        for key in ("train/loss", "grad_norm", "update_ratio", "dead_units"):
            assert list(lone.curve(run, key)) == list(range(STEPS)), key

    def test_values_of_an_epoch_stand_at_its_last_update(self, lone: Typed) -> None:
        run = only(lone)
        for key in ("epoch", "train/loss_epoch", "train/loss_eval", "train/acc", "val/loss", "val/acc"):
            assert list(lone.curve(run, key)) == [PER_EPOCH - 1, STEPS - 1], key

    def test_loss_of_an_epoch_is_the_mean_of_its_batches(self, lone: Typed) -> None:
        run = only(lone)
        losses = list(lone.curve(run, "train/loss").values())
        means = [sum(losses[:PER_EPOCH]) / PER_EPOCH, sum(losses[PER_EPOCH:]) / PER_EPOCH]
        assert list(lone.curve(run, "train/loss_epoch").values()) == pytest.approx(means, rel=1e-6)

    def test_says_what_became_of_it(self, lone: Typed) -> None:
        tags = only(lone).data.tags
        assert Verdict.from_label(tags["lrscope.verdict"])
        assert tags["lrscope.why"]
        assert tags["lrscope.verdict"] in tags["mlflow.note.content"].lower()
        assert len(tags["lrscope.fingerprint"]) == 16

    def test_names_the_code_it_ran(self, lone: Typed) -> None:
        git = ["git", "-C", str(CHECKOUT)]
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        if head.returncode:
            pytest.skip("not a git checkout")
        run = only(lone)
        assert len(run.data.tags["mlflow.source.git.commit"]) == 40
        dirty = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False).returncode
        assert dirty or "git.diff" not in lone.artifacts(run)

    def test_keeps_config_overrides_environment_and_checkpoints(self, lone: Typed) -> None:
        run = only(lone)
        files = lone.artifacts(run)
        assert {"config.yaml", "overrides.yaml", "environment.txt", "checkpoints/best.ckpt"} <= files
        overrides = yaml.safe_load(lone.artifact(run, "overrides.yaml").read_text())
        assert {"lr=0.5", "optimizer.lr=${lr}"} <= set(overrides), "as typed"
        assert f"torch=={torch.__version__}" in lone.artifact(run, "environment.txt").read_text()
        for name in ("best", "last"):
            loaded = torch.load(lone.artifact(run, f"checkpoints/{name}.ckpt"), weights_only=True)
            assert loaded["state_dict"]["network.layers.1.weight"].shape[1] == 5

    def test_names_its_data(self, lone: Typed) -> None:
        from lrscope.datasets.blobs import blobs

        (entry,) = only(lone).inputs.dataset_inputs
        assert entry.dataset.name == "blobs"
        assert entry.dataset.digest == blobs().digest

    def test_packs_its_model_with_signature_and_example(self, lone: Typed) -> None:
        (output,) = only(lone).outputs.model_outputs
        model = lone.client.get_logged_model(output.model_id)
        folder = Path(model.artifact_location.removeprefix("file://"))
        described = yaml.safe_load((folder / "MLmodel").read_text())
        assert described["signature"]["inputs"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of its own type hints and of torch's
            from mlflow import pyfunc

            loaded = pyfunc.load_model(str(folder))
            answers = loaded.predict(loaded.input_example)
        assert answers.shape == (2, 2)

    def test_hydra_and_the_spool_stay_below_outputs(self, lone: Typed) -> None:
        assert {path.name for path in lone.root.iterdir() if not path.name.startswith("mlflow.db")} == {
            "mlruns",
            "outputs",
        }


class TestSweep:
    def test_members_are_children_of_one_parent_named_by_its_axis(self, sweep: Typed) -> None:
        (parent,) = by_kind(sweep, "sweep")
        members = by_kind(sweep, "member")
        assert parent.info.run_name == "lr × 2 · linear sgd · 0.01 best"
        assert sorted(member.info.run_name for member in members) == ["lr=0.01", "lr=1"]
        for member in members:
            assert member.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert member.data.tags["lrscope.sweep"] == parent.info.run_id
            assert member.info.experiment_id == parent.info.experiment_id
        assert sweep.client.get_experiment(parent.info.experiment_id).name == "line"

    def test_a_divergence_is_a_finding_and_no_green_run(self, sweep: Typed) -> None:
        assert sweep.run("lr=1").info.status == "FAILED"
        assert sweep.run("lr=1").data.tags["lrscope.verdict"] == "diverged"
        assert sweep.run("lr=0.01").info.status == "FINISHED"
        assert by_kind(sweep, "sweep")[0].info.status == "FINISHED"

    def test_a_constant_rate_costs_two_points(self, sweep: Typed) -> None:
        assert sweep.curve(sweep.run("lr=0.01"), "lr") == {0: 0.01, 59: 0.01}
        last = max(sweep.curve(sweep.run("lr=1"), "train/loss"))
        assert sweep.curve(sweep.run("lr=1"), "lr") == {0: 1.0, last: 1.0}

    def test_rates_sort_as_numbers(self, sweep: Typed) -> None:
        members = by_kind(sweep, "member")
        assert sorted(member.data.metrics["peak_lr"] for member in members) == [0.01, 1.0]

    def test_data_without_a_validation_part_records_no_val(self, sweep: Typed) -> None:
        metrics = sweep.run("lr=0.01").data.metrics
        assert not [key for key in metrics if key.startswith("val/")]
        assert "train/loss_eval" in metrics

    def test_the_best_member_alone_has_a_model(self, sweep: Typed) -> None:
        assert len(sweep.run("lr=0.01").outputs.model_outputs) == 1
        assert not sweep.run("lr=1").outputs.model_outputs

    def test_the_parent_has_the_report_and_the_table(self, sweep: Typed) -> None:
        (parent,) = by_kind(sweep, "sweep")
        suffixes = {Path(path).suffix for path in sweep.artifacts(parent)}
        assert {".html", ".png", ".csv", ".json"} <= suffixes
        note = parent.data.tags["mlflow.note.content"]
        assert "0.01" in note
        assert "diverged" in note
        assert json.loads(parent.data.tags["lrscope.axes"]) == ["lr"]

    def test_the_terminal_shows_the_table_and_the_link(self, sweep: Typed) -> None:
        (parent,) = by_kind(sweep, "sweep")
        assert parent.info.run_id in sweep.out
        assert "diverged" in sweep.out
        assert f"/#/experiments/{parent.info.experiment_id}/runs?workflowType=machine_learning" in sweep.out


class TestCrash:
    def test_the_command_fails_but_the_others_are_trained(self, crashed: Typed) -> None:
        assert crashed.code == 1
        healthy = crashed.run("model.fails_at=0")
        assert healthy.info.status == "FINISHED"
        assert list(crashed.curve(healthy, "train/loss")) == list(range(PER_EPOCH))

    def test_the_crashed_member_keeps_its_traceback(self, crashed: Typed) -> None:
        run = crashed.run("model.fails_at=5")
        assert run.info.status == "FAILED"
        assert "lrscope.verdict" not in run.data.tags
        text = crashed.artifact(run, "traceback.txt").read_text()
        assert "RuntimeError: broken on purpose" in text
        assert "fragile.py" in text
        assert "broken on purpose" in run.data.tags["mlflow.note.content"]
        assert list(crashed.curve(run, "train/loss")) == [0, 1, 2, 3]

    def test_the_terminal_says_why_and_where_the_traceback_is(self, crashed: Typed) -> None:
        (line,) = [line for line in crashed.out.splitlines() if "broken on purpose" in line]
        assert line.startswith("1 member (model.fails_at=5) crashed: RuntimeError: broken on purpose; traceback: /")
        named = line.partition("traceback: ")[2].rstrip(". ")
        assert "fragile.py" in Path(named).read_text()
        assert "To find where training starts" not in crashed.out

    def test_members_in_other_processes_find_their_parent(self, crashed: Typed) -> None:
        (parent,) = by_kind(crashed, "sweep")
        assert parent.info.status == "FAILED"
        members = by_kind(crashed, "member")
        assert [member.data.tags["mlflow.parentRunId"] for member in members] == [parent.info.run_id] * 2

    def test_an_exchanged_class_is_not_given_what_the_option_meant_for_its_own(self, crashed: Typed) -> None:
        params = crashed.run("model.fails_at=0").data.params
        assert params["model._target_"] == "fragile.Fragile"
        assert "model.hidden" not in params
