"""A proxy that answers 200 with something else than was asked for: what cannot be read back stays in the journal."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, run_of, start, steps_of

from lrscope.core.errors import StoreUnreachable
from lrscope.runs import shared_session
from lrscope.tracking import DatasetInfo, RunLog, TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.fetch import fetch_artifact
from lrscope.tracking.mlflow_store.reach import check_reachable
from servers import Proxy, Server

pytestmark = pytest.mark.usefixtures("project")

PAGE = b"<html><body>Please log in</body></html>"
ANOTHER = b'{"run": {"info": {"run_id": "0123456789abcdef0123456789abcdef", "status": "FINISHED"}, "data": {}}}'
ALWAYS = 10**9


@pytest.fixture
def client(mlflow_server: Server) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(mlflow_server.uri)


def leave(log: RunLog, folder: Path) -> None:
    """Everything that a run leaves, in its usual order."""
    record(log, range(30))
    log.params({"late": "param"})
    log.tags({"lrscope.why": "because"})
    log.dataset(DatasetInfo(name="blobs", digest="0a1b", source="drawn"))
    log.text("lr: 1\n" * 50, "config.yaml")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 64)
    log.artifact(folder / "weights.bin", "checkpoints")
    log.end("FINISHED")


def assert_whole(client: Any, local_id: str) -> None:
    with suppress(Exception):  # the server has hung up on a connection that was idle
        client.search_experiments()
    run = run_of(client, local_id)
    assert run.info.status == "FINISHED"
    assert steps_of(client, run.info.run_id) == list(range(30))
    assert run.data.params["late"] == "param"
    assert run.data.tags["lrscope.why"] == "because"
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["blobs"]
    sizes = {file.path: file.file_size for file in client.list_artifacts(run.info.run_id, "checkpoints")}
    assert sizes == {"checkpoints/weights.bin": 256 * 64}
    assert [file.file_size for file in client.list_artifacts(run.info.run_id) if not file.is_dir] == [300]


@pytest.mark.parametrize("answer", [b"{}", b"", PAGE, ANOTHER], ids=["{}", "nothing", "page", "another"])
def test_false_answers_for_a_while_cost_nothing(proxy: Proxy, client: Any, tmp_path: Path, answer: bytes) -> None:
    local_id = uuid.uuid4().hex
    session = open_session(TrackingSettings(uri=proxy.uri))
    proxy.lies = dict.fromkeys(
        ("runs/create", "runs/log-batch", "runs/log-inputs", "runs/update", "PUT", "experiments/create"), (answer, 1)
    )
    leave(session.start(start(f"false-{local_id}", local_id)), tmp_path)
    closed = session.close()
    assert closed.undelivered == ()
    assert not closed.disbelieved
    assert_whole(client, local_id)


LIES = (
    (("runs/create", b"{}"), ("runs/log-batch", b"{}"), ("runs/get", ANOTHER), ("runs/log-inputs", b"{}")),
    (("runs/update", b"{}"),),
    (("mlflow/runs", PAGE), ("PUT", b"{}"), ("PUT", PAGE)),
)
"""One after the other for one run each: none may let through what another is to hold up."""


@pytest.mark.parametrize("lies", LIES, ids=["calls", "status", "files"])
def test_what_is_not_confirmed_stays_in_the_journal(
    proxy: Proxy, client: Any, tmp_path: Path, lies: tuple[tuple[str, bytes], ...]
) -> None:
    local_id = uuid.uuid4().hex
    session = open_session(TrackingSettings(mode="offline"))
    leave(session.start(start("false", local_id)), tmp_path)
    session.close()
    settings = TrackingSettings(uri=proxy.uri)
    for question, answer in lies:
        proxy.lies = {question: (answer, ALWAYS)}
        report = sync(settings)
        assert report.delivered == (), question
        assert [name for name, _ in report.left] == [local_id], question
    proxy.lies = {}
    assert sync(settings).delivered == (local_id,)
    assert_whole(client, local_id)


def test_the_command_fails_where_the_store_only_says_that_it_has_it(
    proxy: Proxy, client: Any, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_session, "_failed", False)
    local_id = uuid.uuid4().hex
    settings = TrackingSettings(uri=proxy.uri, finish_timeout_s=3)
    session = open_session(settings)
    log = session.start(start("false", local_id), wait=True)
    proxy.lies = {"runs/log-batch": (b"{}", ALWAYS)}
    leave(log, tmp_path)
    session.flush()
    wait_until(lambda: session._uploader.disbelieved)
    shared_session.close(session)
    assert shared_session.failed_to_record()
    assert "not wholly delivered" in capsys.readouterr().err
    proxy.lies = {}
    assert sync(settings).delivered == (local_id,)
    assert_whole(client, local_id)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)


def test_an_artifact_that_arrives_shortened_is_sent_again(proxy: Proxy, client: Any, tmp_path: Path) -> None:
    local_id = uuid.uuid4().hex
    settings = TrackingSettings(uri=proxy.uri, finish_timeout_s=2)
    session = open_session(settings)
    log = session.start(start("false", local_id), wait=True)
    proxy.shortens = "weights.bin"
    leave(log, tmp_path)
    session.flush()
    wait_until(lambda: session._uploader.disbelieved)
    assert session.close().undelivered == (local_id,)
    run = run_of(client, local_id)
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(30)))
    proxy.shortens = None
    assert sync(settings).left == ()
    assert_whole(client, local_id)


def test_what_answers_as_no_mlflow_server_is_no_store(proxy: Proxy) -> None:
    for answer in (PAGE, b"[]", b'"yes"', b'{"experiments": 3}'):
        proxy.lies = {"experiments/search": (answer, 1)}
        with pytest.raises(StoreUnreachable, match="no MLflow server"):
            check_reachable(Address(f"{proxy.uri}/", None))
        proxy.lies = {}


def test_an_artifact_that_comes_back_shortened_is_not_taken(proxy: Proxy, tmp_path: Path) -> None:
    local_id = uuid.uuid4().hex
    settings = TrackingSettings(uri=proxy.uri)
    session = open_session(settings)
    log = session.start(start("false", local_id), wait=True)
    leave(log, tmp_path)
    assert session.close().undelivered == ()
    assert log.run_id is not None
    proxy.lies = {"GET /api/2.0/mlflow-artifacts/artifacts/": (b"half", ALWAYS)}
    with pytest.raises(StoreUnreachable, match=r"weights\.bin"):
        fetch_artifact(settings, log.run_id, "checkpoints/weights.bin", tmp_path / "got" / "weights.bin")
    assert not (tmp_path / "got" / "weights.bin").exists()
    proxy.lies = {}
    assert fetch_artifact(settings, log.run_id, "checkpoints/weights.bin", tmp_path / "got" / "weights.bin")
