"""``sweep.objective``: what a whole sweep is judged by, from the words typed to the model that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Typed, type_command

WORDS = ("-m", "lr=0.3,0.02", "optimizer=sgd", "dataset=blobs", "epochs=4", "batch_size=100", "model.hidden=[6]",
         "trainer=cpu", "callbacks.look_ahead=false", "callbacks.trial_seconds=0", "metrics=[f1]",
         "sweep.objective=val/f1")  # fmt: skip


def kept_model(typed: Typed) -> str:
    """The name of the one run that has a model."""
    (name,) = [run.info.run_name for run in typed.runs() if run.outputs and run.outputs.model_outputs]
    return str(name)


def test_the_report_and_the_packed_model_go_by_the_metric(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *WORDS, store=True)
    assert typed.code == 0, typed.err
    best = max(typed.curve(typed.run("lr=0.3"), "val/f1").values())
    assert f"Use lr=0.3: best val/f1 {best:.4g}" in typed.out
    assert kept_model(typed) == "lr=0.3"
    (parent,) = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    metrics = parent.data.metrics
    assert metrics["best/lr"] == 0.3 and 0 < metrics["best/val_f1"] <= best and "best/loss" not in metrics


def test_the_direction_that_is_typed_is_followed(tmp_path: Path) -> None:
    """The lowest F1 is nothing to want, but it shows that the word is obeyed."""
    typed = type_command(tmp_path, *WORDS, "sweep.direction=min", store=True)
    assert typed.code == 0, typed.err
    lowest = min(typed.curve(typed.run("lr=0.02"), "val/f1").values())
    assert f"Use lr=0.02: best val/f1 {lowest:.4g}" in typed.out
    assert kept_model(typed) == "lr=0.02"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("sweep.objective=val/f1",), "sweep.objective=val/f1: must be one of"),
        (("sweep.direction=max",), "sweep.direction=max: val/loss is to fall"),
        (
            ("metrics=[f1]", "sweep.objective=val/f1", "sweep.direction=up"),
            "sweep.direction=up: must be one of min, max",
        ),
        (("dataset=line", "batch_size=4", "sweep.objective=val/acc"), "sweep.objective=val/acc: "),
    ],
)
def test_what_cannot_be_judged_is_refused(words: tuple[str, ...], rule: str, tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", "lr=0.1,0.01", "tracking=off", *words)
    assert typed.code == 2
    assert rule in typed.err and "Traceback" not in typed.err
