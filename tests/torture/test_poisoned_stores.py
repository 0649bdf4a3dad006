"""Some of the stores and journals that `make torture` tries: nothing of what somebody else wrote there is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from torture.poisoned import Place, PoisonedJournals, PoisonedStore, commands, poisoned_checkpoint, recorded

CASES = 20
JOURNALS = 60
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("poisoned"))
    made.make()
    shutil.copy(fresh_database, made.project / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRSCOPE_ROOT", str(made.project))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield made


@pytest.fixture(scope="module")
def store(place: Place) -> PoisonedStore:
    return PoisonedStore(place, seed=1)


def test_a_poisoned_store_is_read_without_harm(store: PoisonedStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [store.case(number) for number in range(CASES)]
    assert not [words for words in found if words]


def test_poisoned_journals_are_delivered_without_harm(place: Place, store: PoisonedStore, tmp_path: Path) -> None:
    store.poison(-1)
    journals = PoisonedJournals(place, recorded(tmp_path), seed=1)
    assert journals.deliver(JOURNALS) == ""


def test_a_poisoned_checkpoint_runs_nothing(place: Place, tmp_path: Path) -> None:
    from lrscope.training.checkpoint_folder import CheckpointFolder

    poisoned_checkpoint(place, tmp_path / "last.ckpt")
    loaded = CheckpointFolder(tmp_path).load()
    assert loaded is not None and loaded.content == {} and "unreadable" in loaded.words
    assert place.spoilt() == ""


def test_a_poisoned_command_is_refused_by_the_command_line(place: Place, store: PoisonedStore) -> None:
    """In a fresh process, as `make resume` does: a line for each word, exit code 2, nothing run, no traceback."""
    store.poison(-1)
    store.say_of_parent("lrscope.overrides", json.dumps(["lr=0.1,0.01", *commands(place)]))
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "scripts" / "resume.py"), store.parent],
        cwd=place.project,
        env={**os.environ, "LRSCOPE_ROOT": str(place.project)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(lines) == len(commands(place)) and all(
        "stored override" in line or line.startswith("left out") for line in lines
    ), done.stderr
    assert place.spoilt() == ""
