"""Points straight into the tables of a local SQLite store, about ten times faster than ``log_batch``.

MLflow makes one object for each point: 70 µs of processor time that a training in the same process loses. Here a batch
is a few statements of many rows each: SQLite works on one without Python's lock, while the training goes on. They are
used only where the tables of the library and of the file are exactly those this was written for, and only for what
``log_batch`` would take without a word; everything else goes through ``log_batch``. A test holds both to the same rows.
Saves 18 s of processor at 64 rates, nearly half of the command (benchmarks/hack_parts.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from lrscope.core.point import Point

_COLUMNS = {"key", "value", "timestamp", "step", "is_nan", "run_uuid"}
_METRIC_KEY = {"key", "timestamp", "step", "run_uuid", "value", "is_nan"}
_LATEST_KEY = {"key", "run_uuid"}
_PLAIN = re.compile(r"[A-Za-z0-9_]+([./ -][A-Za-z0-9_]+)*")
_KEY_LENGTH = 250
_LARGEST = 1.7976931348623157e308
_INT64 = 2**63
_BUSY_MS = 20_000
_ROWS = 500
"""Rows of a statement; SQLite takes at most 32,766 values in one."""

_ACTIVE = "SELECT 1 FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'"
_ROW = "(?, ?, ?, ?, ?, ?)"
_INSERT = "INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES {} ON CONFLICT DO NOTHING"
# The condition is MLflow's own order of what is latest.
_UPSERT = """
    INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key, run_uuid) DO UPDATE SET
        value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
    WHERE (excluded.step, excluded.timestamp, excluded.value)
        > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)
"""


class _Row(NamedTuple):
    run_uuid: str
    key: str
    value: float
    timestamp: int
    step: int
    is_nan: bool


class BulkPoints:
    """Writes points into a SQLite store whose tables are known."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def write(self, run_id: str, points: Sequence[Point]) -> bool:
        """Store the points, each once; False where they must go through ``log_batch``, and nothing was stored.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the file is locked, full or damaged; nothing was stored.
        """
        if not points or not all(map(_is_plain, {point.key for point in points})):
            return False
        if not all(0 <= point.timestamp_ms < _INT64 and -_INT64 <= point.step < _INT64 for point in points):
            return False
        rows = [_row(run_id, point) for point in points]
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MS}")
            if connection.exec_driver_sql(_ACTIVE, (run_id,)).first() is None:
                return False
            for first in range(0, len(rows), _ROWS):
                some = rows[first : first + _ROWS]
                values = tuple(chain.from_iterable(some))
                connection.exec_driver_sql(_INSERT.format(", ".join([_ROW] * len(some))), values)
            connection.exec_driver_sql(_UPSERT, _latest(rows))
        return True


def bulk_points(engine: Any) -> BulkPoints | None:
    """The fast way into this store; None where its tables are not exactly the known ones."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric

    if engine.dialect.name != "sqlite" or sqlalchemy.inspect(engine).get_view_names():
        return None
    inspector = sqlalchemy.inspect(engine)
    for model, key in ((SqlMetric, _METRIC_KEY), (SqlLatestMetric, _LATEST_KEY)):
        name = model.__tablename__
        defined = model.__table__
        in_file = {column["name"] for column in inspector.get_columns(name)}
        keys = (
            {column.name for column in defined.primary_key},
            set(inspector.get_pk_constraint(name)["constrained_columns"]),
        )
        if {column.name for column in defined.columns} != _COLUMNS or in_file != _COLUMNS or keys != (key, key):
            return None
    with engine.connect() as connection:
        triggers = (
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('metrics', 'latest_metrics')"
        )
        return None if connection.exec_driver_sql(triggers).scalar() else BulkPoints(engine)


def _row(run_id: str, point: Point) -> _Row:
    """As MLflow stores it: NaN as 0 with a flag, infinities as the largest number."""
    value = float(point.value)
    is_nan = math.isnan(value)
    stored = 0.0 if is_nan else min(max(value, -_LARGEST), _LARGEST)
    return _Row(run_id, point.key, stored, point.timestamp_ms, point.step, is_nan)


def _latest(rows: Sequence[_Row]) -> list[_Row]:
    latest: dict[str, _Row] = {}
    for row in rows:
        before = latest.get(row.key)
        if before is None or (row.step, row.timestamp, row.value) > (before.step, before.timestamp, before.value):
            latest[row.key] = row
    return list(latest.values())


def _is_plain(key: str) -> bool:
    return len(key) <= _KEY_LENGTH and _PLAIN.fullmatch(key) is not None
