"""A user's own parts as they are typed: each command in a fresh process."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CHECKOUT, Typed, type_command

PARTS = CHECKOUT / "tests" / "runs"

BLOBS = ("dataset=blobs", "epochs=1", "trainer=cpu")

REFUSED = {
    "model._target_=own_parts.Tuple": "error: model=own_parts.Tuple: answers with a tuple of 2",
    "dataset._target_=own_parts.labels_from_1": "error: dataset._target_=own_parts.labels_from_1: the classes",
    "model.batch_norm=true batch_size=109": "error: batch_size=109: leaves a last batch of 1 of the 1200 examples",
    "model._target_=own_parts.NoArguments +model.rubbish=1": "error: model.rubbish=1: own_parts.NoArguments",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_is_refused_before_anything_is_made(typed: str, tmp_path: Path) -> None:
    answer = type_command(tmp_path, *BLOBS, *typed.split(), path=PARTS)
    assert answer.code == 2, answer.err
    (line,) = answer.err.splitlines()
    assert line.startswith(REFUSED[typed])
    assert answer.runs() == []


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    words = ("model._target_=own_parts.NoArguments", "dataset._target_=own_parts.int32_labels", "batch_size=8")
    root = tmp_path_factory.mktemp("alone")
    return type_command(root, *words, "epochs=2", "trainer=cpu", path=PARTS, store=True)


def test_a_class_without_arguments_trains_on_what_had_to_be_converted(alone: Typed) -> None:
    assert alone.code == 0, alone.err
    (run,) = alone.runs()
    assert run.info.status == "FINISHED"
    assert not [key for key in run.data.params if key in ("model.hidden", "model.activation")]


def test_a_lone_run_names_itself_and_how_to_look_at_it(alone: Typed) -> None:
    (run,) = alone.runs()
    assert f"MLflow run {run.info.run_id}; browse with `make ui`" in alone.out


def test_a_lone_crash_says_why_and_where_its_traceback_is(tmp_path: Path) -> None:
    words = ("model._target_=own_parts.Fails", "dataset._target_=own_parts.classes", "batch_size=4")
    typed = type_command(tmp_path, *words, "epochs=2", "trainer=cpu", path=PARTS, store=True)
    assert typed.code == 1
    assert "RuntimeError: broken on purpose" in typed.out
    (line,) = [line for line in typed.out.splitlines() if line.startswith("traceback: ")]
    assert "own_parts.py" in Path(line.removeprefix("traceback: ")).read_text()
