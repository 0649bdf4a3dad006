from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_runs import start

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.mlflow_store.fetch import fetch_artifact
from servers import Proxy, Server


def _recorded(uri: str | None) -> str:
    """A run with one checkpoint; its MLflow id."""
    session = open_session(TrackingSettings(uri=uri))
    log = session.start(start("fetch", uuid.uuid4().hex), wait=True)
    log.text("the weights", "checkpoints/best.ckpt")
    log.end("FINISHED")
    assert session.close().words == ""
    assert log.run_id is not None
    return log.run_id


@pytest.fixture(params=["local store", "server"])
def store(request: pytest.FixtureRequest, store_project: Path) -> Iterator[str]:
    if request.param == "local store":
        yield f"sqlite:///{store_project}/mlflow.db"
    else:
        server: Server = request.getfixturevalue("mlflow_server")
        yield server.uri


def test_an_artifact_arrives_whole_and_replaces_what_was_there(store: str, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "best.ckpt"
    target.parent.mkdir()
    target.write_text("older")
    assert fetch_artifact(TrackingSettings(uri=store), _recorded(store), "checkpoints/best.ckpt", target)
    assert target.read_text() == "the weights"
    assert [path.name for path in target.parent.iterdir()] == ["best.ckpt"]


@pytest.mark.parametrize("artifact", ["checkpoints/last.ckpt", "checkpoints", "checkpoints/best.ckpt/x"])
def test_what_is_not_there_is_said_and_leaves_what_was_there(store: str, tmp_path: Path, artifact: str) -> None:
    target = tmp_path / "got" / "last.ckpt"
    target.parent.mkdir()
    target.write_text("older")
    assert not fetch_artifact(TrackingSettings(uri=store), _recorded(store), artifact, target)
    assert target.read_text() == "older"
    assert [path.name for path in target.parent.iterdir()] == ["last.ckpt"]


def test_a_run_that_is_not_there_has_no_artifact(store: str, tmp_path: Path) -> None:
    assert not fetch_artifact(TrackingSettings(uri=store), uuid.uuid4().hex, "checkpoints/best.ckpt", tmp_path / "got")


@pytest.mark.parametrize(
    "artifact", ["../best.ckpt", "checkpoints/../../x", "/etc/passwd", "a\0b", "..\\x", "checkpoints\\..\\..\\x"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused_before_anything_is_asked(project: Path, artifact: str) -> None:
    target = project / "got" / "best.ckpt"
    with pytest.raises(InputError):
        fetch_artifact(TrackingSettings(uri="http://127.0.0.1:9"), uuid.uuid4().hex, artifact, target)
    with pytest.raises(InputError):
        fetch_artifact(TrackingSettings(mode="offline"), uuid.uuid4().hex, artifact, target)
    assert not target.parent.exists()


def test_a_server_that_goes_away_meanwhile_is_not_a_missing_artifact(
    proxy: Proxy, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    run_id = _recorded(proxy.uri)
    download = MlflowClient.download_artifacts

    def cut_off(*args: object) -> str:
        proxy.mode = "refuse"
        return download(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(MlflowClient, "download_artifacts", cut_off)
    with pytest.raises(StoreUnreachable):
        fetch_artifact(TrackingSettings(uri=proxy.uri), run_id, "checkpoints/best.ckpt", project / "got")


def test_offline_nothing_is_fetched(project: Path) -> None:
    assert not fetch_artifact(TrackingSettings(mode="offline"), uuid.uuid4().hex, "best.ckpt", project / "got")
