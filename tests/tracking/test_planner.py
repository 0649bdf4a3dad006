from __future__ import annotations

import sqlite3
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

from lrscope.tracking.mlflow_store.planner import help_planner
from servers import Server

ONE_CURVE = "SELECT * FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY timestamp, step, value"


def plan(project: Path) -> str:
    with sqlite3.connect(project / "mlflow.db") as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {ONE_CURVE}", ("run", "key")).fetchall()
    connection.close()
    return str(rows)


def filled(project: Path) -> MlflowClient:
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.create_experiment("e")
    for _ in range(3):
        run = client.create_run(experiment).info.run_id
        client.log_batch(run, [Metric(key, 1.0, step, step) for key in ("train/loss", "lr") for step in range(50)])
    return client


def test_a_curve_is_read_by_its_run(store_project: Path) -> None:
    store = filled(store_project)._tracking_client.store
    assert "sqlite_autoindex_metrics_1 (key=?)" in plan(store_project), "what MLflow does without statistics"
    assert help_planner(store)
    assert "index_metrics_run_uuid_key_step (run_uuid=? AND key=?)" in plan(store_project)
    assert not help_planner(store), "once is enough"


def test_statistics_that_somebody_gathered_are_kept(store_project: Path) -> None:
    store = filled(store_project)._tracking_client.store
    with sqlite3.connect(store_project / "mlflow.db") as connection:
        connection.execute("ANALYZE")
        before = connection.execute("SELECT * FROM sqlite_stat1").fetchall()
    assert not help_planner(store)
    with connection:
        assert connection.execute("SELECT * FROM sqlite_stat1").fetchall() == before
    connection.close()


def test_tables_of_another_version_are_left_alone(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    assert not help_planner(SimpleNamespace(engine=engine))
    engine.dispose()


def test_a_server_is_left_alone(mlflow_server: Server) -> None:
    assert not help_planner(MlflowClient(mlflow_server.uri)._tracking_client.store)
