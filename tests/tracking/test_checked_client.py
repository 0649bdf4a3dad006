"""What a store says is looked at where it comes in."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.tracking.mlflow_store.artifact_place import check_inside, check_place
from lrscope.tracking.mlflow_store.checked_client import CheckedClient
from lrscope.tracking.mlflow_store.read import read_traces
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri
from servers import Proxy


@pytest.fixture
def run_id(store_project: Path) -> str:
    """Of a run with a param, a tag and a curve."""
    plain = MlflowClient(f"sqlite:///{store_project}/mlflow.db")
    experiment = plain.create_experiment("e", artifact_location=(store_project / "mlruns" / "e").as_uri())
    run = plain.create_run(experiment, run_name="lr=0.1")
    plain.log_param(run.info.run_id, "lr", "0.1")
    for step in range(3):
        plain.log_metric(run.info.run_id, "train/loss", 1.0 / (step + 1), step=step, timestamp=1_700_000_000_000)
    return str(run.info.run_id)


@pytest.fixture
def client(store_project: Path) -> CheckedClient:
    return CheckedClient(f"sqlite:///{store_project}/mlflow.db")


@pytest.fixture
def tables(store_project: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(store_project / "mlflow.db", isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints=ON")
    yield connection
    connection.close()


def test_texts_steer_no_terminal(client: CheckedClient, tables: sqlite3.Connection, run_id: str) -> None:
    tables.execute("UPDATE runs SET name = ?", ("\x1b[2Jlr=0.1\u202e\nx",))
    tables.execute("UPDATE params SET value = ?", ("a\x07b\nc",))
    tables.execute("INSERT INTO tags VALUES (?, ?, ?)", ("k\x1b", "v", run_id))
    tables.execute("UPDATE experiments SET name = ? WHERE name = 'e'", ("e\x9b31m",))
    run = client.get_run(run_id)
    assert run.info.run_name == r"\x1b[2Jlr=0.1\u202e x"
    assert run.data.params == {"lr": "a\\x07b\nc"} and not any("k" in key[:2] for key in run.data.tags if "\x1b" in key)
    assert client.get_experiment(run.info.experiment_id).name == r"e\x9b31m"
    assert [one.info.run_name for one in client.search_runs([run.info.experiment_id])] == [run.info.run_name]


def test_numbers_are_numbers_and_the_rest_goes_on(
    client: CheckedClient, tables: sqlite3.Connection, run_id: str
) -> None:
    tables.execute("UPDATE metrics SET value = 'many' WHERE step = 1")
    tables.execute("UPDATE metrics SET step = 'x' WHERE step = 2")
    tables.execute("UPDATE runs SET start_time = 'now', end_time = 9e18, status = 'DONE'")
    run = client.get_run(run_id)
    assert (run.info.start_time, run.info.end_time, run.info.status) == (None, None, "RUNNING")
    trace = read_traces(client, [run])[run_id].get("train/loss")
    assert trace.steps.tolist() == [0] and math.isclose(trace.values[0], 1.0)


@pytest.mark.parametrize("wrong", ["../../x", "a b", "x'--", "", "x\0y", "é" * 8])
def test_what_is_no_id_is_no_run(client: CheckedClient, tables: sqlite3.Connection, run_id: str, wrong: str) -> None:
    experiment = client.get_run(run_id).info.experiment_id
    tables.execute("UPDATE runs SET run_uuid = ?", (wrong,))
    assert list(client.search_runs([experiment])) == []
    with pytest.raises(MlflowException):
        client.get_run(wrong)


def test_what_mlflow_itself_cannot_read_is_told_in_a_line(
    client: CheckedClient, tables: sqlite3.Connection, run_id: str
) -> None:
    experiment = client.get_run(run_id).info.experiment_id
    tables.execute("UPDATE params SET value = CAST(x'ff80' AS TEXT)")
    with pytest.raises(InputError, match="holds what MLflow cannot read") as caught:
        client.search_runs([experiment])
    assert len(str(caught.value).splitlines()) == 1


PLACES = ["file://{outside}/x", "{outside}", "{outside}/mlruns/../x", "relative", "http://evil:80/x", "sftp://evil/x"]
PLACES += ["mlflow-artifacts://evil/x", "https://evil/mlruns", "runs:/a/b", "models:/a", "ftp://evil/x", "file:x"]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_written_where_a_store_says_and_this_project_has_no_business(
    client: CheckedClient, tables: sqlite3.Connection, run_id: str, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    tables.execute("UPDATE runs SET artifact_uri = ?", (place.format(outside=outside),))
    file = tmp_path_factory.mktemp("here") / "a.txt"
    file.write_text("x")
    for write in (
        lambda: client.log_artifact(run_id, str(file)),
        lambda: client.log_artifacts(run_id, str(file.parent), "report"),
        lambda: client.download_artifacts(run_id, "a.txt", str(file.parent)),
        lambda: client.list_artifacts(run_id),
    ):
        with pytest.raises(InputError, match="artifacts="):
            write()
    assert list(outside.iterdir()) == []


def test_places_that_are_believed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, server = f"sqlite:///{project}/mlflow.db", "http://host:5000"
    for uri in (f"{project}/x", "/elsewhere/mlruns/1/id/artifacts", "s3://bucket/x", "gs://b/x", "wasbs://b/x"):
        check_place(uri, database)
    for uri in ("mlflow-artifacts:/1/id/artifacts", "http://host:5000/api/x", "mlflow-artifacts://host:5000/x"):
        check_place(uri, server)
    with pytest.raises(InputError, match="the server's address"):
        check_place("mlflow-artifacts:/1/id/artifacts", "postgresql://team@host/mlflow")
    with pytest.raises(InputError, match="LRSCOPE_ARTIFACTS"):
        check_place("/shared/results/1/id/artifacts", server)
    monkeypatch.setenv("LRSCOPE_ARTIFACTS", "/other:/shared/results")
    check_place("/shared/results/1/id/artifacts", server)


def test_a_link_among_the_artifacts_is_not_followed(client: CheckedClient, run_id: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    client.log_text(run_id, "x", "report/a.html")
    folder = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
    (folder / "report" / "a.html").unlink()
    (folder / "report" / "a.html").symlink_to(tmp_path / "secret")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "a.html").write_text("theirs")
    with pytest.raises(InputError, match="leads out of its folder"):
        client.log_artifacts(run_id, str(tmp_path / "report"), "report")
    with pytest.raises(InputError):
        check_inside(folder.as_uri(), [Path("../x")])
    assert (tmp_path / "secret").read_text() == "mine"


@pytest.mark.parametrize("mode", ["refuse", "status"])
def test_a_server_that_is_away_is_told_from_one_that_cannot_be_read(proxy: Proxy, mode: str) -> None:
    """Nor is a run taken for deleted, or an answer for refused, while nobody answers."""
    store = open_store(resolve_uri(proxy.uri))
    proxy.mode = mode
    calls = (
        lambda: store.client.search_runs(["0"]),
        lambda: store.client.get_run("0" * 32),
        lambda: store.client.log_batch("0" * 32, tags=[RunTag("a", "b")]),
    )
    for call in calls:
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            call()
