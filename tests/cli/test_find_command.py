"""``find=on`` as a user types it: the rate on the terminal, its run in MLflow, the training at it, its refusals."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from command_line import Typed, type_command
from test_json_answers import told
from test_ways_out import BROKEN

from lrscope.core.found_rate import FOUND_BY, FoundRate

SMALL = ("dataset=blobs", "batch_size=100", "model.hidden=[6]", "epochs=20", "trainer=cpu", "callbacks.progress=none",
         "tracking.log_model=none", "find.copies=15")  # fmt: skip
FIND = ("find=on", *SMALL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """A find, and the training at its rate."""
    typed = type_command(tmp_path_factory.mktemp("found"), *FIND, "optimizer=adam", "find.then=train", store=True)
    assert typed.code == 0, typed.err
    return typed


def test_the_rate_is_told_with_its_interval(trained: Typed) -> None:
    said = re.search(
        r"^lr=(\S+) for 240 updates \((\S+) to (\S+), 80% interval\).*; measured at 14, 28 and 57 updates$",
        trained.out,
        re.MULTILINE,
    )
    assert said is not None, trained.out
    rate, low, high = map(float, said.groups())
    assert 1e-3 < low < rate < high < 1
    assert "15 copies at rates from 1e-06 to 10, for 57 of 240 updates" in trained.out
    assert "each copy took 28% of the updates of a run" in trained.out


def test_a_find_is_one_run_with_its_numbers_and_its_figure(trained: Typed) -> None:
    (run,) = [run for run in trained.runs() if run.data.tags["lrscope.kind"] == "find"]
    assert run.info.status == "FINISHED"
    found = FoundRate.from_plain(json.loads(run.data.tags["lrscope.find"]))
    assert found is not None and found.best is not None
    assert trained.artifacts(run, "find") == {f"find/{name}" for name in
                                              ("find.json", "loss_vs_rate.png", "loss_vs_rate-dark.png")}  # fmt: skip
    assert trained.artifact(run, "find/loss_vs_rate.png").read_bytes()[:4] == b"\x89PNG"
    law = trained.curve(run, "best_rate")
    assert [*law] == [14, 28, 57, 240, 480, 1920]
    assert law[240] == found.best.rate and law[57] == found.optima[-1].rate
    measured = json.loads(trained.artifact(run, "find/find.json").read_text())["measured"]
    assert len(measured["rates"]) == 15 and trained.curve(run, "val/loss/1e-06").keys() == {14, 28, 57}
    assert run.data.params["epochs"] == "20" and "lr" not in run.data.params
    assert run.data.tags["lrscope.why"] in run.data.tags["mlflow.note.content"]


def test_the_training_that_follows_is_at_the_rate_and_says_who_found_it(trained: Typed) -> None:
    (find,) = [run for run in trained.runs() if run.data.tags["lrscope.kind"] == "find"]
    (run,) = [run for run in trained.runs() if run.data.tags["lrscope.kind"] == "run"]
    found = FoundRate.from_plain(json.loads(find.data.tags["lrscope.find"]))
    assert found is not None
    assert float(run.data.params["lr"]) == found.lr == run.data.metrics["lr"]
    assert run.data.tags[FOUND_BY] == find.info.run_id
    assert run.data.tags["lrscope.verdict"] == "trained" and len(trained.curve(run, "train/loss")) == 240
    words = json.loads(run.data.tags["lrscope.overrides"])
    assert words[0] == f"lr={found.lr:g}" and not [word for word in words if word.startswith("find")]


def test_a_find_alone_trains_nothing_and_is_told_as_json(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *FIND, "optimizer=sgd", "--json", store=True)
    answer = told(typed, 0)
    assert answer["runs"] == [] and answer["find"]["updates"] == 240
    assert 0.01 < answer["find"]["use"] < 10 and answer["find"]["why_not"] == ""
    assert f"python train.py lr={answer['find']['use']:g} dataset=blobs" in typed.err
    (run,) = typed.runs()
    assert run.info.run_id == answer["find"]["run_id"]


def test_a_rate_that_cannot_be_told(tmp_path: Path) -> None:
    """Rates so low that none does anything: it says so, and trains at none."""
    typed = type_command(tmp_path, *FIND, "find.low=1e-12", "find.high=1e-9", "find.then=train", store=True)
    assert typed.code == 1
    assert "cannot tell lr for 240 updates: no rate improves the val/loss within 57 updates" in typed.out
    assert "nothing was trained, as the rate cannot be told" in typed.err
    assert "-m 'lr=interval(1e-5,10)' dataset=blobs" in typed.out
    assert [(run.data.tags["lrscope.kind"], run.info.status) for run in typed.runs()] == [("find", "FINISHED")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("find=on", "-m", "seed=0,1"), "find=on: finds the rate of one run, and this is a sweep"),
        (("find=on", "-m", "lr=interval(1e-5,10)"), "find=on: finds the rate of one run"),
        (("find=on", "lr=0.1"), "lr=0.1: find=on looks for the rate. Leave one of the two out."),
        (("find=on", "optimizer.lr=0.1"), "optimizer.lr=0.1: find=on looks for the rate"),
        (("find=on", "resume=latest"), "resume=latest: a find is not resumed"),
        (("find.then=train",), "find.then=train: has an effect with find=on only"),
        (("find=on", "find.then=fit"), "find.then=fit: must be one of stop, train"),
        (("find=on", "find.low=1", "find.high=0.1"), "find.low=1: rates are tried from find.low to find.high"),
        (("find=on", "find.copies=3"), "find.copies=3: must be at least 8"),
        (("find=on", "epochs=2"), "a run of 24 updates is too short to be told from a part of it"),
    ],
)
def test_what_a_find_cannot_go_with_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    given = [word for word in SMALL if not word.startswith(("find", "epochs"))]
    typed = type_command(tmp_path, *given, *(() if "epochs=2" in words else ("epochs=20",)), *words, store=True)
    assert typed.code == 2 and said in typed.err, typed.err
    assert "Traceback" not in typed.err and typed.runs() == []


def test_ctrl_c_closes_its_run(tmp_path: Path) -> None:
    """A signal between two updates, and none is left RUNNING; what it was is not taken for a run to go on with."""
    statement = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    program = tmp_path / "broken.py"
    program.write_text(
        BROKEN.format(module="lrscope.probe.copies", target="module.clip", statement=statement).replace(
            "module.clip = broken",
            "before = module.BatchedCopies.update\n"
            "module.BatchedCopies.update = lambda self, batches: (broken(), before(self, batches))[1]",
        )
    )
    typed = type_command(tmp_path / "root", *FIND, program=[str(program)], store=True)
    assert typed.code == 128 + signal.SIGINT, typed.err
    assert "Traceback" not in typed.err
    assert [(run.data.tags["lrscope.kind"], run.info.status) for run in typed.runs()] == [("find", "KILLED")]


def test_a_dry_run_tells_of_the_copies(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *FIND, "--dry-run", store=True)
    assert typed.code == 0 and "find=on: 15 copies go ahead of it" in typed.out
    assert typed.runs() == []
