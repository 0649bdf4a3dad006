"""Some of the stores and journals that `make torture` tries: nothing of what somebody else wrote there is run."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrscope.tracking import TrackingSettings, open_session
from torture.poisoned import Place, PoisonedJournals, PoisonedStore, poisoned_checkpoint

CASES = 20
JOURNALS = 60


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


def recorded(folder: Path) -> Path:
    """The journals of a good sweep that was recorded offline."""
    from lrscope.tracking import DatasetInfo, Point, RunStart

    session = open_session(TrackingSettings("offline", None, folder / "spool"))
    parent = session.start(RunStart("e", "lr × 2", "sweep", "parent", None, {}, {"lrscope.axes": '["lr"]'}))
    for name in ("one", "two"):
        log = session.start(RunStart("e", f"lr={name}", "member", name, "parent", {"lr": "0.1"}, {"a": "b"}))
        log.points([Point("train/loss", step, 1.0 / (step + 1), 1_700_000_000_000) for step in range(20)])
        log.tags({"lrscope.why": "it fell"})
        log.text("x: 1\n", "config.yaml")
        log.dataset(DatasetInfo("digits", "abc", "sklearn"))
        (folder / "last.ckpt").write_bytes(b"weights")
        log.artifact(folder / "last.ckpt", "checkpoints")
        log.end("FINISHED")
    parent.end("FINISHED")
    session.close()
    return folder / "spool"
