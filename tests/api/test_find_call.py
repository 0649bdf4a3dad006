"""``lrscope.find``: what it gives back is what its run says, and the training at it is found through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lrscope

WORDS = ("dataset=blobs", "batch_size=100", "model.hidden=[6]", "trainer=cpu", "tracking.log_model=none",
         "find.copies=15")  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mlflow.db").write_bytes(fresh_database.read_bytes())
    monkeypatch.setenv("LRSCOPE_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_the_rate_and_the_training_at_it() -> None:
    found = lrscope.find(*WORDS, epochs=20, optimizer="adam", find__then="train")
    assert found.lr is not None and found.low is not None and found.high is not None
    assert found.low < found.lr < found.high and found.found.planned == 240
    assert found.trained is not None and float(found.trained.params["lr"]) == found.lr
    assert found.run_id is not None and lrscope.find is not None


@pytest.mark.usefixtures("project")
def test_what_cannot_be_found_is_an_error_or_none() -> None:
    with pytest.raises(lrscope.InputError, match="a run of 12 updates is too short"):
        lrscope.find(*WORDS, epochs=1)
    low = lrscope.find(*WORDS, epochs=20, find={"low": 1e-12, "high": 1e-9})
    assert low.lr is None and "no rate improves" in low.found.why_not and low.trained is None


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: lrscope.train("find=on", "epochs=2"), 'Call lrscope.find("epochs=2").'),
        (lambda: lrscope.train(find="on"), "Call lrscope.find()."),
        (lambda: lrscope.train("model=linear", find__enabled=True), 'Call lrscope.find("model=linear").'),
        (lambda: lrscope.sweep("find=on", lr=[0.1, 0.01]), "Call lrscope.find(…) for one run, or leave it out."),
        (lambda: lrscope.sweep("find=on"), "Call lrscope.find(…) for one run, or leave it out."),
    ],
)
def test_a_call_that_gives_back_something_else_names_the_right_one(call: Callable[[], Any], remedy: str) -> None:
    with pytest.raises(lrscope.InputError) as refused:
        call()
    (problem,) = refused.value.problems
    assert problem.remedy == remedy
