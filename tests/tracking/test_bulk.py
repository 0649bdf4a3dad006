"""The fast way for points against the slow one that it must equal."""

from __future__ import annotations

import math
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lrscope.tracking import Point
from lrscope.tracking.mlflow_store.bulk import BulkPoints, bulk_points
from lrscope.tracking.mlflow_store.store import Store, open_store, resolve_uri


@pytest.fixture
def store(store_project: Path) -> Iterator[Store]:
    yield open_store(resolve_uri(f"sqlite:///{store_project}/mlflow.db"))


def _rows(store: Store, run_id: str) -> tuple[list[Any], list[Any]]:
    file = store.address.database_file
    assert file is not None
    connection = sqlite3.connect(file)
    columns = "key, value, timestamp, step, is_nan, typeof(value), typeof(timestamp), typeof(step), typeof(is_nan)"
    try:
        found = [
            connection.execute(f"SELECT {columns} FROM {table} WHERE run_uuid = ?", (run_id,)).fetchall()
            for table in ("metrics", "latest_metrics")
        ]
    finally:
        connection.close()
    return sorted(found[0]), sorted(found[1])


def _batches(seed: int) -> list[list[Point]]:
    """Points with everything that is awkward: NaN, infinities, doubles, disorder, several batches of one key."""
    draw = random.Random(seed)
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308]
    batches = []
    for _ in range(6):
        batch = [
            Point(
                draw.choice(["lr", "train/loss", "dead_units/1", "a b"]),
                draw.randrange(40),
                draw.choice(special) if draw.random() < 0.3 else draw.gauss(0, 1),
                1_795_249_572_000 + draw.randrange(3),
            )
            for _ in range(draw.randrange(1, 300))
        ]
        batches.append(batch + draw.sample(batch, len(batch) // 4))
    return [*batches, batches[2]]


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_leave_the_same_rows(store: Store, seed: int) -> None:
    from mlflow.entities import Metric

    assert store.bulk is not None
    experiment = store.experiment_id("bulk")
    fast, slow = (store.client.create_run(experiment).info.run_id for _ in range(2))
    for batch in _batches(seed):
        assert store.bulk.write(fast, batch)
        store.client.log_batch(slow, [Metric(p.key, p.value, p.timestamp_ms, p.step) for p in batch])
    assert _rows(store, fast) == _rows(store, slow)
    assert len(_rows(store, fast)[0]) > 100


@pytest.mark.parametrize(
    "point",
    [
        Point("colon:key", 0, 1.0, 1),
        Point("../up", 0, 1.0, 1),
        Point("/root", 0, 1.0, 1),
        Point("end/", 0, 1.0, 1),
        Point("x" * 251, 0, 1.0, 1),
        Point("", 0, 1.0, 1),
        Point("ünï", 0, 1.0, 1),
        Point("late", 0, 1.0, -1),
        Point("far", 2**63, 1.0, 1),
    ],
)
def test_what_mlflow_might_refuse_is_left_to_mlflow(store: Store, point: Point) -> None:
    assert store.bulk is not None
    run_id = store.client.create_run(store.experiment_id("bulk")).info.run_id
    assert not store.bulk.write(run_id, [Point("good", 0, 1.0, 1), point])
    assert _rows(store, run_id) == ([], [])


def test_a_deleted_or_unknown_run_is_left_to_mlflow(store: Store) -> None:
    assert store.bulk is not None
    run_id = store.client.create_run(store.experiment_id("bulk")).info.run_id
    store.client.delete_run(run_id)
    assert not store.bulk.write(run_id, [Point("good", 0, 1.0, 1)])
    assert not store.bulk.write("0" * 32, [Point("good", 0, 1.0, 1)])


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE metrics ADD COLUMN unit TEXT",
        "ALTER TABLE latest_metrics RENAME COLUMN step TO at_step",
        "CREATE TRIGGER t AFTER INSERT ON metrics BEGIN SELECT 1; END",
    ],
)
def test_other_tables_than_the_known_ones_turn_it_off(store_project: Path, change: str) -> None:
    import sqlalchemy

    file = store_project / "changed.db"
    shutil.copy(store_project / "mlflow.db", file)
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    try:
        assert isinstance(bulk_points(engine), BulkPoints)
        with engine.begin() as connection:
            connection.exec_driver_sql(change)
        assert bulk_points(engine) is None
    finally:
        engine.dispose()
