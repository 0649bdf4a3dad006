"""Statistics for SQLite's planner, without which MLflow reads one curve by scanning those of every run.

MLflow asks for the points of one run and key. Its table has an index for just that, and one that begins with the key;
without statistics SQLite takes the second. In a store of 1,000 runs with 2 million points a curve took 89 ms so, and
1 ms with statistics, in MLflow's page as well.
"""

from __future__ import annotations

from typing import Any

STATISTICS = {
    "index_metrics_run_uuid_key_step": "2000000 2000 600 1",
    "index_metrics_run_uuid": "2000000 2000",
    "sqlite_autoindex_metrics_1": "2000000 400000 400000 600 1 1 1",
}
"""What ANALYZE found in that store: how many points there are, and how many share the first columns of each index.

Written down here, because what it finds in a store of a few runs stays when the store has grown, and then misleads.
SQLite's documentation lets applications write the table; ANALYZE replaces what they wrote.
"""


def help_planner(store: Any) -> bool:
    """Give a SQLite store statistics of MLflow's metrics, where it has none.

    Args:
        store: MLflow's tracking store; any but SQLite's is left alone.

    Returns:
        Whether it got them.
    """
    engine = getattr(store, "engine", None)
    if engine is None or engine.dialect.name != "sqlite":
        return False
    from sqlalchemy import text

    with engine.connect() as connection:
        names = {name for (name,) in connection.execute(text("SELECT name FROM sqlite_master"))}
        if not names >= {"metrics", "alembic_version", *STATISTICS}:
            return False  # tables of another version of MLflow
        if "sqlite_stat1" not in names:
            connection.execute(text("ANALYZE alembic_version"))  # the only way to make the table
        known = connection.execute(text("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'metrics'")).scalar()
        if not known:
            rows = [{"idx": index, "stat": numbers} for index, numbers in STATISTICS.items()]
            connection.execute(text("INSERT INTO sqlite_stat1 VALUES ('metrics', :idx, :stat)"), rows)
        connection.commit()
        return not known
