from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from lrscope.tracking.mlflow_store.read import peak_rate, read_histories, read_traces, series_of
from servers import Server


@pytest.fixture(params=["database", "server", pytest.param("postgres", marks=pytest.mark.postgres)])
def client(request: pytest.FixtureRequest) -> MlflowClient:
    """The ways of reading in bulk."""
    if request.param == "postgres":
        return MlflowClient(request.getfixturevalue("postgres"))
    if request.param == "database":
        project: Path = request.getfixturevalue("store_project")
        return MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    server: Server = request.getfixturevalue("mlflow_server")
    return MlflowClient(server.uri)


def new_run(client: MlflowClient, name: str, tags: dict[str, str] | None = None) -> str:
    found = client.get_experiment_by_name(name)
    return str(
        client.create_run(found.experiment_id if found else client.create_experiment(name), tags=tags).info.run_id
    )


def test_what_is_read_is_what_was_written(client: MlflowClient) -> None:
    random = np.random.default_rng(0)
    written = {}
    for name in ("first", "second"):
        run_id = new_run(client, "bulk")
        values = random.normal(size=300)
        client.log_batch(run_id, [Metric("train/loss", v, 7, s) for s, v in enumerate(values.tolist())])
        client.log_batch(run_id, [Metric(name, 1.5, 7, 3), Metric("unwanted", 2.0, 7, 0)])
        written[run_id] = (values, name)
    histories = read_histories(client, {run_id: ("train/loss", name) for run_id, (_, name) in written.items()})
    for run_id, (values, name) in written.items():
        assert histories[run_id].keys() == {"train/loss", name}
        assert histories[run_id]["train/loss"].steps.tolist() == list(range(300))
        assert histories[run_id]["train/loss"].values.tolist() == values.tolist()
        assert histories[run_id][name].values.tolist() == [1.5]


def test_values_that_are_not_finite_come_back(client: MlflowClient) -> None:
    run_id = new_run(client, "odd values")
    odd = [math.nan, math.inf, -math.inf, 0.0, 5e-324]
    client.log_batch(run_id, [Metric("m", value, 7, step) for step, value in enumerate(odd)])
    read = read_histories(client, {run_id: ("m",)})[run_id]["m"].values
    np.testing.assert_array_equal(read, odd)


def test_one_step_recorded_twice_keeps_the_later_value(client: MlflowClient) -> None:
    run_id = new_run(client, "twice")
    client.log_batch(run_id, [Metric("m", 1.0, 2000, 5), Metric("m", 9.0, 1000, 5), Metric("m", 3.0, 500, 4)])
    read = read_histories(client, {run_id: ("m",)})[run_id]["m"]
    assert (read.steps.tolist(), read.values.tolist()) == ([4, 5], [3.0, 1.0])


def test_a_history_longer_than_one_answer_is_whole(mlflow_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrscope.tracking.mlflow_store.read.POINTS_PER_REQUEST", 100)
    client = MlflowClient(mlflow_server.uri)
    long, short = new_run(client, "long"), new_run(client, "long")
    client.log_batch(long, [Metric("m", float(step), 7, step) for step in range(150)])
    client.log_batch(short, [Metric("m", float(step), 7, step) for step in range(30)])
    read = read_histories(client, {long: ("m",), short: ("m",)})
    assert read[long]["m"].values.tolist() == [float(step) for step in range(150)]
    assert read[short]["m"].values.tolist() == [float(step) for step in range(30)]


def test_names_of_other_programs(client: MlflowClient) -> None:
    run_id = new_run(client, "names")
    client.log_batch(run_id, [Metric("Train Loss", 1.0, 7, 0), Metric("lr-Adam", 0.1, 7, 0), Metric("mood", 3.0, 7, 0)])
    run = client.get_run(run_id)
    assert read_traces(client, [run])[run_id].series.keys() == {"train/loss", "lr", "mood"}
    assert read_traces(client, [run], ["lr", "val/loss"])[run_id].series.keys() == {"lr"}


def test_the_rate_of_a_run_that_lrscope_did_not_make(client: MlflowClient) -> None:
    run_id = new_run(client, "rates")
    client.log_param(run_id, "optimizer.lr", "1e-3")
    client.log_param(run_id, "lr", "auto")
    assert peak_rate(client.get_run(run_id)) == 0.001
    assert peak_rate(client.get_run(new_run(client, "rates"))) is None


def test_no_run_and_no_metric() -> None:
    assert len(series_of([], [], [])) == 0
