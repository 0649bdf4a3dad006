"""An optimizer that does not hold all that is to be trained: said ahead of the training and in the run's note."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.core.outcome import Outcome
from lrscope.tracking.journal.journal import Journal
from runs.test_own_parts import try_out

BLOBS = ("dataset=blobs", "batch_size=200", "epochs=2", "lr=0.05")

SAID = {
    "FirstLayer": (
        ("optimizer._target_=partly_trained.FirstLayer",),
        "partly_trained.FirstLayer: its optimizer does not hold 4 of 6 parameters (",
    ),
    "Forgetful": (
        ("model._target_=partly_trained.Forgetful", "optimizer=own"),
        "partly_trained.Forgetful: its optimizer does not hold 2 of 4 parameters (head.weight, head.bias), which stay",
    ),
    "Two": (
        ("model._target_=partly_trained.Two", "optimizer=own"),
        "partly_trained.Two: its optimizer does not hold 1 of 4 parameters (head.bias), which stay as they are",
    ),
}

FINE = {
    "all in an inner optimizer": ("optimizer._target_=partly_trained.Outer",),
    "frozen": ("model._target_=partly_trained.FrozenHead", "optimizer=own"),
    "a copy without a gradient": ("model._target_=partly_trained.Teacher", "optimizer=own"),
    "lrscope's own optimizer": ("model._target_=partly_trained.Forgetful", "optimizer=sgd"),
    "a frozen group": ("optimizer.groups.body.freeze=true", "optimizer=sgd"),
}


def trained(folder: Path, words: tuple[str, ...]) -> Outcome:
    outcome = try_out(folder, *BLOBS, *words, "tracking=mlflow", "tracking.mode=offline")
    assert not isinstance(outcome, list), outcome
    return outcome


def note_of(folder: Path, outcome: Outcome) -> str:
    tags: dict[str, str] = {}
    for event in Journal.of(folder / "spool", outcome.local_id).events():
        tags |= getattr(event, "tags", {})
    return tags["mlflow.note.content"]


@pytest.mark.parametrize("name", SAID)
def test_what_no_optimizer_holds_is_said(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, line = SAID[name]
    outcome = trained(tmp_path, words)
    assert line in capsys.readouterr().out
    assert line.partition("its optimizer does not hold ")[2].partition(",")[0] in note_of(tmp_path, outcome)


@pytest.mark.parametrize("name", FINE)
def test_what_is_meant_so_is_not(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = trained(tmp_path, FINE[name])
    assert "does not hold" not in capsys.readouterr().out + note_of(tmp_path, outcome)
