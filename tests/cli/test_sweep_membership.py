"""Who belongs to a sweep does not hang on folders: whatever Hydra's are called, no member is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import HERE, Typed, type_command

SHORT = (
    "dataset=blobs",
    "batch_size=200",
    "model.hidden=[4]",
    "epochs=1",
    "trainer=cpu",
    "optimizer=sgd",
    "tracking.log_model=none",
)

FOLDERS: dict[str, tuple[str, ...]] = {
    "a folder deeper": ("hydra.sweep.subdir=members/${hydra.job.num}",),
    "one for all": ("hydra.sweep.subdir=same",),
    "the sweep's own": ("hydra.sweep.subdir=.",),
    "named by values": ("hydra.sweep.subdir=${hydra.job.override_dirname}",),
    "values with a slash": ("hydra.sweep.subdir=at/${hydra.sweep.dir}/${lr}",),
    "a sweep's folder for each": ("hydra.sweep.dir=${lrscope_root:}/outputs/each/${lr}", "hydra.sweep.subdir=x"),
    "outside the sweep's": ("hydra.sweep.subdir=../beside-${hydra.job.num}",),
    "jobs that change their folder": ("hydra.job.chdir=true",),
    "a name of the ledger": ("hydra.sweep.subdir=sweep/${hydra.job.num}/x",),
}


def _typed(root: Path, commands: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    root.mkdir(parents=True, exist_ok=True)
    file = root / "commands.json"
    file.write_text(json.dumps([["-m", *words] for words in commands]))
    typed = type_command(root, str(file), program=[str(HERE / "type_many.py")], store=True)
    assert typed.code == 0, typed.err
    return list(json.loads(typed.out))


@pytest.fixture(scope="module", params=["always", pytest.param("never", marks=pytest.mark.long)])
def sweeps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Typed, dict[str, dict[str, str]]]:
    root = tmp_path_factory.mktemp(request.param)
    commands = [
        (
            "lr=0.3,0.1,0.03",
            *SHORT,
            f"experiment_name=e{number}",
            *words,
            f"sweep.together={request.param}",
            "sweep.report=false",
        )
        for number, words in enumerate(FOLDERS.values())
    ]
    ended = dict(zip(FOLDERS, _typed(root, commands), strict=True))
    return Typed(root, 0, "", "", 0.0), ended


@pytest.mark.parametrize("folders", FOLDERS)
def test_every_member_is_recorded_below_its_sweep(
    sweeps: tuple[Typed, dict[str, dict[str, str]]], folders: str
) -> None:
    store, ended = sweeps
    command = ended[folders]
    assert command["code"] == 0, command
    assert "No member" not in command["out"]
    identity = command["out"].split("sweep ", 1)[1].split(":", 1)[0]
    runs = store.runs()
    (parent,) = [run for run in runs if run.info.run_id == identity]
    members = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == identity]
    assert sorted(run.info.run_name for run in members) == ["lr=0.03", "lr=0.1", "lr=0.3"]
    assert {run.data.tags["lrscope.kind"] for run in members} == {"member"}
    assert parent.info.status == "FINISHED"
    rows = re.findall(r"^ +★? +(0\.\d+)  [a-z]", command["out"], re.MULTILINE)
    assert rows == ["0.03", "0.1", "0.3"]  # the table, which is made from what is recorded


def test_a_sweep_has_one_folder(sweeps: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    """Named by the time: once for the sweep, and not again for every job."""
    store, _ = sweeps
    named_by_time = [path.parent.name for path in store.root.glob("outputs/e*/20*")]
    assert len(named_by_time) == len(set(named_by_time)) == len(FOLDERS) - 1  # one names another


def test_two_sweeps_in_one_folder_do_not_count_each_others_members(tmp_path: Path) -> None:
    words = (*SHORT, f"hydra.sweep.dir={tmp_path}/jobs", "tracking.mode=offline")
    first, second = _typed(tmp_path / "root", [("lr=0.3,0.1,0.03", *words), ("lr=0.3,0.1", "seed=1", *words)])
    assert (first["code"], second["code"]) == (0, 0), second["err"]
    assert (first["out"].count("\nlr="), second["out"].count("\nlr=")) == (3, 2)


LONG = "x" * 300

NO_FOLDERS = (
    ("-m", "lr=0.3,0.1", f"hydra.sweep.subdir={LONG}"),
    ("-m", "lr=0.3,0.1", "hydra.sweep.subdir=${hydra.job.override_dirname}", f"dataset.name={LONG}"),
    ("-m", "lr=0.3,0.1", "hydra.sweep.dir=/dev/null/x"),
    ("-m", "lr=0.3,0.1", "hydra.sweep.subdir=" + "/".join(["y" * 200] * 30)),
    ("-m", "lr=0.3,0.1", "hydra.sweep.subdir=../../../../../../../../../../../../dev/null/${hydra.job.num}"),
    ("hydra.run.dir=/dev/null/x",),
    (f"hydra.run.dir={LONG}",),
)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, list[dict[str, str]]]:
    root = tmp_path_factory.mktemp("refused")
    file = root / "commands.json"
    file.write_text(json.dumps([[*words, *SHORT, "tracking.mode=offline"] for words in NO_FOLDERS]))
    typed = type_command(root, str(file), program=[str(HERE / "type_many.py")])
    return typed, list(json.loads(typed.out))


@pytest.mark.parametrize("number", range(len(NO_FOLDERS)))
def test_a_folder_that_cannot_be_is_told_before_anything_trains(
    refused: tuple[Typed, list[dict[str, str]]], number: int
) -> None:
    typed, ended = refused
    command = ended[number]
    assert command["code"] == 2, command
    (line,) = command["err"].strip().splitlines()
    if "experiment_name" in line:  # the data set's name is the experiment's
        assert line.startswith("error: experiment_name=xxx") and "is too long" in line
    else:
        assert line.startswith("error: hydra."), line
        assert "this folder cannot be made" in line
    assert not list(typed.root.glob("outputs/spool/*"))


def test_members_with_other_data_sets_lie_in_their_sweep(tmp_path: Path) -> None:
    """The experiment is named for the data set by default, and a sweep has one."""
    typed = type_command(tmp_path, "-m", "dataset=blobs,line", "lr=0.01", "epochs=1", "batch_size=null", "trainer=cpu",
                         "tracking.log_model=none", "sweep.report=false", store=True)  # fmt: skip
    assert typed.code == 0, typed.err
    (parent,) = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    members = [run for run in typed.runs() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert {run.info.run_name for run in members} == {"dataset=blobs", "dataset=line"}
    assert {run.info.experiment_id for run in members} == {parent.info.experiment_id}
    assert "not recorded" not in typed.out
