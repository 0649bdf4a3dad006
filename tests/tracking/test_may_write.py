"""A database that may only be read, or that another program's tables lie in, is refused, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import Engine, text

from lrscope.core.errors import InputError
from lrscope.tracking.mlflow_store.address import resolve_uri
from lrscope.tracking.mlflow_store.may_write import check_may_write

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres: str) -> Iterator[tuple[str, Engine]]:
    """An empty one of its own, and a way in."""
    admin = sqlalchemy.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE may_write"))
    uri = postgres.removesuffix("/postgres") + "/may_write"
    engine = sqlalchemy.create_engine(uri)
    yield uri, engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE may_write WITH (FORCE)"))
    admin.dispose()


def refusal(uri: str) -> str:
    with pytest.raises(InputError) as refused:
        check_may_write(resolve_uri(uri), "mine")
    (line,) = str(refused.value).splitlines()
    return line


def test_an_empty_database_is_taken_and_another_programs_is_not(database: tuple[str, Engine]) -> None:
    uri, engine = database
    check_may_write(resolve_uri(uri), "mine")
    for table in ("orders", "experiments"):  # one of these names is MLflow's, too
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {table} (id INT PRIMARY KEY)"))
        assert "is the database of another program, with tables" in refusal(uri)
    assert sorted(sqlalchemy.inspect(engine).get_table_names()) == ["experiments", "orders"]


def test_a_user_who_may_only_read_is_refused(database: tuple[str, Engine]) -> None:
    uri, engine = database
    SqlAlchemyStore(uri, "/tmp/artifacts").engine.dispose()
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE reader LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    try:
        told = refusal(uri.replace("lrscope@", "reader@"))
        assert "this user may not record runs in it (permission denied for table runs)" in told
        check_may_write(resolve_uri(uri), "mine")
        with engine.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM runs")).scalar() == 0
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP OWNED BY reader"))
            connection.execute(text("DROP ROLE reader"))
