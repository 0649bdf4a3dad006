"""``lrscope.train`` and ``lrscope.sweep`` against the same commands typed, and what they leave behind."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow import MlflowClient

import lrscope
from lrscope.models.linear import Linear

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("dataset=blobs", "epochs=3", "trainer=cpu", "dataset.examples=64", "dataset.val_examples=32")
BY_THE_CLOCK = ("seconds",)


@dataclass(frozen=True)
class Called:
    """A sweep of two rates called in this process, and the same one typed."""

    sweep: lrscope.Sweep
    before: dict[str, Any]
    after: dict[str, Any]
    typed: lrscope.Sweep


def state() -> dict[str, Any]:
    """What of a process is its owner's."""
    return {
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "folder": Path.cwd(),
        "environment": dict(os.environ),
        "words": (list(sys.argv), list(sys.path)),
        "streams": (sys.stdout, sys.stderr),
        "logging": (logging.root.level, list(logging.root.handlers)),
        "warnings": (list(warnings.filters), warnings.formatwarning),
        "random": (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()),
        "torch": (torch.get_num_threads(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()),
        "switch": sys.getswitchinterval(),
    }


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Iterator[Called]:
    folders = [tmp_path_factory.mktemp(name) for name in ("called", "typed")]
    for folder in folders:
        (folder / "mlflow.db").write_bytes(fresh_database.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("LRSCOPE_ROOT", str(folders[0]))
        before = state()
        sweep = lrscope.sweep(*WORDS, lr=[0.1, 0.01], model=Linear)
        after = state()
        command = [sys.executable, str(ROOT / "train.py"), "-m", *WORDS, "lr=0.1,0.01"]
        command.append("model._target_=lrscope.models.linear.Linear")
        environment = os.environ | {"LRSCOPE_ROOT": str(folders[1])}
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folders[1])
        store = f"sqlite:///{folders[1] / 'mlflow.db'}"
        experiment = next(e for e in MlflowClient(store).search_experiments() if e.name == "blobs")
        kind = "tags.`lrscope.kind` = 'sweep'"
        (parent,) = MlflowClient(store).search_runs([experiment.experiment_id], kind)
        yield Called(sweep, before, after, lrscope.load_sweep(parent.info.run_id, store))


def test_a_call_records_what_the_command_records(called: Called) -> None:
    assert [run.name for run in called.sweep] == [run.name for run in called.typed] == ["lr=0.01", "lr=0.1"]
    for mine, typed in zip(called.sweep, called.typed, strict=True):
        assert mine.params == typed.params
        assert (mine.verdict, mine.status) == (typed.verdict, typed.status)
        mine_points, typed_points = mine.metrics(), typed.metrics()
        assert len(mine_points) == 6 and list(mine_points.columns) == list(typed_points.columns)
        compared = [name for name in mine_points.columns if name not in BY_THE_CLOCK]
        np.testing.assert_allclose(mine_points[compared], typed_points[compared], rtol=1e-5)


@pytest.mark.parametrize("what", state())
def test_the_callers_process_is_as_it_was(called: Called, what: str) -> None:
    assert called.after[what] == called.before[what]


def test_a_sweep_as_a_table_and_its_best_member(called: Called) -> None:
    table = called.sweep.table
    assert list(table["lr"]) == [0.01, 0.1] and set(table.index) == {run.run_id for run in called.sweep}
    assert table["val/loss"].notna().all()
    best = called.sweep.best
    assert best is not None and best.params["lr"] == str(called.sweep.recommendation.best)
    assert called.sweep.report.is_file()
    assert "data:image/png" in called.sweep._repr_html_() and best.name in called.sweep._repr_html_()


def test_a_diagnosis_of_a_stored_run(called: Called) -> None:
    run = next(iter(called.typed))
    found = lrscope.diagnose(run)
    assert (found.verdict, found.why) == (run.verdict, run.why)
    assert found.advice == run.advice and found.verdict in str(found)
    with pytest.raises(lrscope.InputError, match="load_sweep"):
        lrscope.diagnose(called.typed.parent_run_id, called.typed.store)


@pytest.mark.usefixtures("store_project")
def test_a_run_from_a_thread() -> None:
    done: list[lrscope.Run] = []
    worker = threading.Thread(target=lambda: done.append(lrscope.train(*WORDS, lr=0.1, model="linear")))
    worker.start()
    worker.join()
    (run,) = done
    assert run.status == "FINISHED" and run.params["lr"] == "0.1"
    assert run.metrics()["lr"].dropna().unique().tolist() == [0.1]


def test_what_is_wrong_is_raised_and_nothing_recorded(store_project: Path) -> None:
    with pytest.raises(lrscope.InputError, match="lr=-1") as error:
        lrscope.sweep(*WORDS, lr=[-1, 0.1], epochs=-2)
    assert "epochs=-2" in str(error.value)
    with pytest.raises(lrscope.LrscopeError, match="modle"):
        lrscope.train("modle=cnn")
    names = [e.name for e in MlflowClient(f"sqlite:///{store_project / 'mlflow.db'}").search_experiments()]
    assert names == ["Default"]


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'mlflow', 'hydra', 'pandas', 'matplotlib', 'pytorch_lightning'}"
    shown = f"import sys, lrscope; dir(lrscope); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
