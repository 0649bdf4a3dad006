"""What surrounds a command: its terminal, MLflow's variables, how it is started, a record that is off or elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CHECKOUT, Typed, type_command

SMALL = ("dataset=blobs", "dataset.examples=200", "batch_size=100", "epochs=2", "trainer=cpu", "model=linear",
         "callbacks.look_ahead=false")  # fmt: skip
QUIET = ("tracking.log_model=none", "sweep.report=false")
AS_MODULE = ("-m", "lrscope.cli")


def in_environment(root: Path, variables: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", **variables}
    root.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "train.py"), *words],
        cwd=root,
        env=clean | own,
        capture_output=True,
        check=False,
        timeout=280,
        encoding="utf-8",
    )


@pytest.mark.long
def test_a_sweep_that_is_neither_batched_nor_reported(tmp_path: Path) -> None:
    """``sweep.together`` and ``sweep.report``: against the default, members train one by one and no report is made."""
    common = ("-m", "lr=0.1,0.01", *SMALL, "tracking.log_model=none")
    usual = type_command(tmp_path / "usual", *common, store=True)
    other = type_command(tmp_path / "other", *common, "sweep.together=never", "sweep.report=false", store=True)
    assert (usual.code, other.code) == (0, 0), usual.err + other.err

    def seen(typed: Typed) -> tuple[set[str], bool]:
        batched = {run.data.tags["lrscope.together"] for run in typed.runs() if "lrscope.together" in run.data.tags}
        parent = next(run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep")
        return batched, any(path.startswith("report/") for path in typed.artifacts(parent))

    assert seen(usual) == ({"true"}, True)
    assert seen(other) == ({"false"}, False)


@pytest.mark.long
def test_a_terminal_that_shows_only_ascii_gets_the_whole_table(tmp_path: Path) -> None:
    done = in_environment(
        tmp_path, {"PYTHONIOENCODING": "ascii"}, "-m", "lr=0.1,0.01", *SMALL, *QUIET, "experiment_name='Übung'"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    table = [line.split() for line in done.stdout.splitlines()]
    assert any(row[:1] == ["0.01"] for row in table) and any(row[:2] == ["*", "0.1"] for row in table), done.stdout
    assert "experiment Ubung" in done.stdout
    assert "Traceback" not in done.stderr


def test_as_a_module_it_does_what_the_script_does(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "lr=0.1", *SMALL, *QUIET, program=AS_MODULE, store=True)
    assert typed.code == 0, typed.err
    (run,) = typed.runs()
    assert run.data.params["lr"] == "0.1"
    assert type_command(tmp_path, "lr=-1", program=AS_MODULE).code == 2


def test_options_by_their_pattern(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", "scheduler=glob(co*)", *SMALL, *QUIET, store=True)
    assert typed.code == 0, typed.err
    assert {run.info.run_name for run in typed.runs()} >= {"scheduler=constant", "scheduler=cosine"}


def test_nothing_is_left_of_a_sweep_that_is_not_recorded(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", "lr=0.1,0.01", *SMALL, "tracking=off")
    assert typed.code == 0, typed.err
    assert "lr=0.01" in typed.out
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}
    assert {path.name for path in (tmp_path / "outputs").iterdir()} == {"blobs"}


@pytest.mark.parametrize(
    ("variables", "words", "expected"),
    [
        ({"MLFLOW_RUN_ID": "abc"}, (), "MLFLOW_RUN_ID=abc: names one run to write into"),
        ({"MLFLOW_EXPERIMENT_ID": "7"}, (), "MLFLOW_EXPERIMENT_ID=7: lrscope knows experiments by name."),
        ({"MLFLOW_TRACKING_URI": "s3://bucket"}, (), "MLFLOW_TRACKING_URI=s3://bucket: MLflow keeps no runs at s3://"),
        ({}, ("tracking.uri=ftp://host/x",), "tracking.uri=ftp://host/x: MLflow keeps no runs at ftp://"),
        ({}, ("-m", "lr=1,2", "tracking.uri=gopher://x"), "tracking.uri=gopher://x: MLflow keeps no runs at gopher://"),
        ({}, ("tracking.uri=databricks",), "tracking.uri=databricks: lrscope does not record to Databricks"),
        ({}, ("tracking.uri=postgres://x/y",), "Write postgresql://"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, variables: dict[str, str], words: tuple[str, ...], expected: str) -> None:
    done = in_environment(tmp_path, variables, *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and expected in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_mlflows_variables_that_are_followed_or_told(tmp_path: Path) -> None:
    variables = {"MLFLOW_EXPERIMENT_NAME": "of the team", "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true"}
    done = in_environment(tmp_path, variables, *SMALL, *QUIET)
    assert done.returncode == 0, done.stderr
    assert (
        done.stderr.count(
            "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING: lrscope records them with tracking.system_metrics=true"
        )
        == 1
    )
    typed = Typed(tmp_path, 0, "", "", 0)
    assert {typed.client.get_experiment(run.info.experiment_id).name for run in typed.runs()} == {"of the team"}
