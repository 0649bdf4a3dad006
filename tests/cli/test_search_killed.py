"""A search that was killed goes on from what MLflow has: the same members leave at the same rungs, no point is lost and
none is there twice.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from command_line import Typed, type_command

from lrscope.core.failpoint import FAILPOINT

pytestmark = pytest.mark.long

SEARCH = ("-m", "lr=interval(1e-3,10)", "search.trials=10", "search.finalists=2", "seed=0,1", "dataset=blobs",
          "batch_size=200", "model.hidden=[6]", "optimizer=sgd", "optimizer.momentum=0.9", "epochs=12", "trainer=cpu",
          "trainer.precision=64-true",
          "callbacks.look_ahead=false", "callbacks.checkpoint.every_seconds=0.01", "sweep.report=false",
          "tracking.log_model=none")  # fmt: skip
KEYS = ("lr", "train/loss", "val/loss", "train/acc", "grad_norm")


def left(typed: Typed) -> dict[str, tuple[str, int, str]]:
    """Of every member its status, where it ended, and where and at which place the search stopped it."""
    found = {}
    for run in typed.runs():
        if run.data.tags["lrscope.kind"] == "member":
            tags = run.data.tags
            pruned = json.loads(tags.get("lrscope.pruned", "{}"))
            where = f"{pruned.get('epoch')} {pruned.get('rung')} {pruned.get('kept')}"
            assert run.info.run_name not in found, "a member was begun twice"
            found[run.info.run_name] = (run.info.status, int(tags["lrscope.steps"]), where)
    return found


def points(typed: Typed) -> dict[tuple[str, str], dict[int, float]]:
    """Every curve; a step that was recorded twice is an error."""
    return {(run.info.run_name, key): typed.curve(run, key) for run in typed.runs() for key in KEYS}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """What never was interrupted."""
    typed = type_command(tmp_path_factory.mktemp("twin"), *SEARCH, store=True)
    assert typed.code == 0, typed.err
    assert len(left(typed)) == 20
    return typed


@pytest.mark.parametrize(
    "where",
    ["before outcome 1", "after outcome 3", "before trace 9", "after outcome 14", "before outcome 17",
     "before rename 1", "after rename 18", "after checkpoint 12", "after fsync 4", "before status 2"],
)  # fmt: skip
def test_goes_on_with_the_same_decisions(twin: Typed, tmp_path: Path, where: str) -> None:
    reached = tmp_path / "reached"
    killed = type_command(tmp_path, *SEARCH, store=True, variables={FAILPOINT: f"{where} process {reached}"})
    assert killed.code != 0 or "status" in where, f"it was never reached: {killed.out}"
    resumed = type_command(tmp_path, *SEARCH, "resume=latest")
    assert resumed.code == 0, resumed.err
    assert left(resumed) == left(twin)
    mine, whole = points(resumed), points(twin)
    assert mine.keys() == whole.keys()
    for name, curve in whole.items():
        assert mine[name].keys() == curve.keys() or name[1] == "lr", name
        shared = {step: value for step, value in curve.items() if step in mine[name] and math.isfinite(value)}
        assert {s: mine[name][s] for s in shared} == pytest.approx(shared, rel=1e-7, abs=1e-9), name
