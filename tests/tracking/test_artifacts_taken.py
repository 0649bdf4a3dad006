"""A store whose artifacts have no place is refused when the first run of an experiment begins, not behind it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from recorded_runs import start

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.artifacts_taken import _no_access, check_artifacts
from lrscope.tracking.mlflow_store.store import open_store


def refused(project: Path, location: str) -> str:
    MlflowClient(f"sqlite:///{project}/mlflow.db").create_experiment("odd", artifact_location=location)
    session = open_session(TrackingSettings())
    try:
        with pytest.raises(InputError) as raised:
            session.start(start("odd", "r1", "run"))
        session.start(start("digits", "r2", "run")).end("FINISHED")
    finally:
        delivery = session.close()
    assert delivery.undelivered == ()
    (found,) = MlflowClient(f"sqlite:///{project}/mlflow.db").search_experiments(filter_string="name = 'digits'")
    assert found.artifact_location.startswith("file://")
    assert not isinstance(raised.value, StoreUnreachable)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


def test_artifacts_of_a_server_beside_its_database(store_project: Path) -> None:
    assert "tracking.uri to the server's address" in refused(store_project, "mlflow-artifacts:/7")


def test_a_folder_that_is_none(store_project: Path) -> None:
    (store_project / "mlruns").mkdir(exist_ok=True)
    (store_project / "mlruns" / "file").write_text("")
    said = refused(store_project, (store_project / "mlruns" / "file" / "odd").as_uri())
    assert "file is no folder that can be written here" in said


def test_another_host(store_project: Path) -> None:
    assert "is another host than the store's" in refused(store_project, "http://elsewhere.invalid/api/artifacts")


def test_a_bucket_without_its_package(store_project: Path) -> None:
    try:
        import boto3  # noqa: F401
    except ImportError:
        assert "needs a package that is not installed" in refused(store_project, "s3://bucket/odd")


class _Server(http.server.BaseHTTPRequestHandler):
    """As much of MLflow's as the question needs; ``answer`` is what it says of artifacts."""

    answer: tuple[int, str] = (200, "")

    def do_GET(self) -> None:
        if "mlflow-artifacts" in self.path:
            self._send(*self.answer)
        elif "get-by-name" in self.path:
            self._send(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}))
        else:
            known = {"experiment_id": "0", "name": "Default", "artifact_location": "mlflow-artifacts:/0"}
            self._send(200, json.dumps({"experiment": {**known, "lifecycle_stage": "active"}}))

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server(status: int, text: str) -> Iterator[str]:
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Server,), {"answer": (status, text)}))
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (503, "disabled due to the mlflow server running with `--no-serve-artifacts`", "--no-serve-artifacts"),
        (404, "no such page", "404"),
    ],
)
def test_a_server_that_takes_no_artifacts(status: int, text: str, said: str) -> None:
    with server(status, text) as address, pytest.raises(InputError, match=said):
        check_artifacts(open_store(Address(address, None), asked=True), "new")


@pytest.mark.parametrize(
    ("status", "text"), [(200, '{"files": []}'), (500, "oh"), (502, "away"), (403, "not to be listed"), (429, "later")]
)
def test_one_that_does_or_that_is_away_just_now(status: int, text: str) -> None:
    with server(status, text) as address:
        store = open_store(Address(address, None), asked=True)
        check_artifacts(store, "new")
    check_artifacts(store, "new")  # it is gone


def _raised(name: str, words: str = "no access", code: str | None = None) -> Exception:
    error = type(name, (Exception,), {})(words)
    if code is not None:
        error.response = {"Error": {"Code": code}}
    return error


@pytest.mark.parametrize(
    ("error", "lasts"),
    [
        (_raised("NoCredentialsError", "Unable to locate credentials"), True),
        (_raised("DefaultCredentialsError"), True),
        (_raised("ClientError", code="InvalidAccessKeyId"), True),
        (_raised("ClientError", code="NoSuchBucket"), True),
        (_raised("ClientError", code="AccessDenied"), False),  # of listing: it may be written
        (_raised("EndpointConnectionError"), False),  # away just now
    ],
    ids=lambda value: str(value),
)
def test_what_of_a_buckets_answers_lasts(error: Exception, lasts: bool) -> None:
    assert bool(_no_access(error)) == lasts


def test_a_bucket_without_a_key(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(store_project / "none"))
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    said = refused(store_project, "s3://bucket/odd")
    assert "nothing can be kept in the bucket (Unable to locate credentials)" in said
