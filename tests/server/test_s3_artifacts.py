"""Artifacts of a team's server in an S3 store: moto's server, which answers as S3 does and keeps all in its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import mlflow
import numpy as np
import pytest

from lrscope.cli.commands.entry import run
from servers import POSTGRES, free_port

pytestmark = [
    pytest.mark.extras,
    pytest.mark.long,
    pytest.mark.postgres,
    pytest.mark.skipif(not list(POSTGRES.glob("*/bin/initdb")), reason="PostgreSQL's server programs are not here"),
]
pytest.importorskip("moto", reason="moto is not installed: make test-extras has it")

ROOT = Path(__file__).parents[2]
TO_S3 = {"AWS_ACCESS_KEY_ID": "anna", "AWS_SECRET_ACCESS_KEY": "a secret", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of an S3 store with one bucket, ``runs``; this process's environment leads to it."""
    import boto3

    port = free_port()
    words = [sys.executable, "-W", "ignore", "-m", "moto.server", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{address}/moto-api/", timeout=5):
                break
            time.sleep(0.1)
        for key, value in (TO_S3 | {"MLFLOW_S3_ENDPOINT_URL": address}).items():
            monkeypatch.setenv(key, value)
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="runs")
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def place() -> Iterator[Path]:
    """As in ``test_team_server``: PostgreSQL's user may enter it, and its name is short."""
    place = Path("/tmp") / f"lrscope-s3-{os.getpid()}"
    place.mkdir()
    yield place
    run("server", ["stop", "--folder", str(place / "one")])
    subprocess.run(["rm", "-rf", str(place)], check=True)


@pytest.mark.filterwarnings("ignore")  # of boto3 and of MLflow loading a model
def test_artifacts_and_models_lie_in_s3_and_come_back(
    store: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    folder, port = ["--folder", str(place / "one")], free_port()
    words = [*folder, "--port", str(port), "--workers", "1", "--artifacts", "s3://runs/of/us"]
    assert run("server", ["start", *words]) == 0, capsys.readouterr()
    server = f"http://127.0.0.1:{port}"
    # Who trains has no key to the store: everything goes through the server.
    people = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_", "AWS_"))}
    people |= {"LRSCOPE_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": server, "LRSCOPE_TRIAL_SECONDS": "0"}
    train = ["train.py", "-m", "lr=0.1,0.01", "epochs=1", "dataset=blobs", "trainer=cpu", "callbacks.look_ahead=false"]
    done = subprocess.run(
        [sys.executable, *train], cwd=ROOT, env=people, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for key in (*TO_S3, "MLFLOW_S3_ENDPOINT_URL"):
        monkeypatch.delenv(key)

    client = mlflow.MlflowClient(server)
    found = client.search_runs(["1"])
    parent = next(one for one in found if one.data.tags["lrscope.kind"] == "sweep")
    assert parent.info.artifact_uri.startswith("mlflow-artifacts:/")
    page = Path(client.download_artifacts(parent.info.run_id, "report/report.html", str(tmp_path)))
    assert "lr=0.01" in page.read_text()
    (model,) = [out for one in found for out in (one.outputs.model_outputs if one.outputs else [])]
    mlflow.set_tracking_uri(server)
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
        assert loaded.predict(np.zeros((3, 5), np.float32)).shape == (3, 2)
    finally:
        mlflow.set_tracking_uri(None)
    bucket = boto3.client("s3", endpoint_url=store, aws_access_key_id="anna", aws_secret_access_key="a secret")
    kept = [entry["Key"] for entry in bucket.list_objects_v2(Bucket="runs")["Contents"]]
    assert all(key.startswith("of/us/1/") for key in kept)
    assert {"report.html", "model.pth", "last.ckpt"} <= {Path(key).name for key in kept}
    assert not (place / "one" / "artifacts").exists() or not list((place / "one" / "artifacts").rglob("*.*"))

    assert run("server", ["status", *folder]) == 0
    assert "s3://runs/of/us" in capsys.readouterr().out
    assert run("server", ["backup", str(place / "all.tar"), *folder]) == 0
    assert "the artifacts, which lie in s3://runs/of/us" in capsys.readouterr().out
