"""What goes wrong with one file of several that travel side by side."""

from __future__ import annotations

import threading
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import run_of, start

from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.delivery.uploads import HALF_WRITTEN, NotTried, Uploads
from lrscope.tracking.mlflow_store.address import Address
from servers import Server


class _Store:
    def __init__(self, uri: str) -> None:
        self.address = Address(uri, None)


def _uploads(uri: str, arrived: list[str]) -> Uploads:
    store: Any = _Store(uri)
    return Uploads(store, "run", lambda error: isinstance(error, ConnectionError), lambda: arrived.append("one"))


def test_a_failure_that_may_pass_ends_the_round_and_the_next_one_sends_the_rest() -> None:
    sent: list[str] = []
    arrived: list[str] = []
    away = True

    def send(name: str) -> None:
        if name == "b" and away:
            raise ConnectionError(name)
        sent.append(name)

    uploads = _uploads("sqlite:///x.db", arrived)
    calls = {name: partial(send, name) for name in "abcd"}
    failed = uploads.send(calls)
    assert {name: type(error) for name, error in failed.items()} == {
        "b": ConnectionError,
        "c": NotTried,
        "d": NotTried,
    }
    away = False
    assert uploads.send(calls) == {}
    assert sent == ["a", "b", "c", "d"]
    assert len(arrived) == 4


def test_what_a_kill_has_left_of_a_file_is_removed_before_the_next_is_sent(tmp_path: Path) -> None:
    """MLflow writes to a place beside it first, which nobody would remove."""
    from mlflow.store.artifact import local_artifact_repo
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    class Local(_Store):
        def artifacts_of(self, _run_id: str) -> LocalArtifactRepository:
            return LocalArtifactRepository(str(tmp_path))

    (tmp_path / "checkpoints").mkdir()
    half, whole = (tmp_path / "checkpoints" / name for name in (f"{HALF_WRITTEN}x7", "last.ckpt"))
    for file in (half, whole):
        file.write_text("what came before the kill")
    store: Any = Local("sqlite:///x.db")
    uploads = Uploads(store, "run", lambda _: True, lambda: None)
    assert uploads.send(uploads.of_text("words", "note.txt")) == {}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["checkpoints", "last.ckpt", "note.txt"]
    half.write_text("of one that is under way")
    assert uploads.send(uploads.of_text("more", "more.txt")) == {}
    assert half.exists(), "not while files are sent"
    assert half.name.startswith(local_artifact_repo._TEMP_ARTIFACT_PREFIX), "MLflow calls it otherwise now"


def test_what_is_refused_for_good_is_not_tried_again_and_holds_up_nothing() -> None:
    tried: list[str] = []

    def send(name: str) -> None:
        tried.append(name)
        if name == "b":
            raise ValueError(name)

    uploads = _uploads("http://x", [])
    calls = {name: partial(send, name) for name in "abcd"}
    assert list(uploads.send(calls)) == ["b"]
    assert uploads.send(calls) == {}
    assert sorted(tried) == ["a", "b", "c", "d"]


def test_to_a_server_several_go_at_once() -> None:
    together = threading.Barrier(4, timeout=120)
    uploads = _uploads("http://x", [])
    assert uploads.send(dict.fromkeys("abcd", together.wait)) == {}


@pytest.mark.usefixtures("project")
def test_one_artifact_that_cannot_be_stored_holds_up_no_other(
    mlflow_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
    from mlflow.tracking import MlflowClient

    put = HttpArtifactRepository.log_artifact
    broken = True

    def stubborn(self: Any, local_file: str, artifact_path: str | None = None) -> None:
        if broken and local_file.endswith("b.txt"):
            raise ConnectionError("cut off")
        put(self, local_file, artifact_path)

    monkeypatch.setattr(HttpArtifactRepository, "log_artifact", stubborn)
    local_id = uuid.uuid4().hex
    session = open_session(TrackingSettings(uri=mlflow_server.uri, finish_timeout_s=2))
    log = session.start(start("uploads", local_id), wait=True)
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(name)
        log.artifact(tmp_path / name)
    log.end("FINISHED")
    assert session.close().undelivered == (local_id,)
    assert len(session.warnings()) == 1
    client = MlflowClient(mlflow_server.uri)
    run = run_of(client, local_id)
    assert run.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "c.txt"]
    broken = False
    assert sync(TrackingSettings(uri=mlflow_server.uri)).delivered == (local_id,)
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["a.txt", "b.txt", "c.txt"]
