"""A store whose places of artifacts somebody filled with what is none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.follow_move import follow_move
from lrscope.tracking.mlflow_store.store import open_store

BLOB = b"/old/mlruns/\xe9"


def with_place(tmp_path: Path, fresh_database: Path, place: object, cast: str = "?") -> Path:
    shutil.copy(fresh_database, file := tmp_path / "mlflow.db")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE experiments SET artifact_location = {cast}", (place,))
    return file


def place_of(file: Path) -> object:
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        return connection.execute("SELECT artifact_location FROM experiments").fetchone()[0]


@pytest.mark.parametrize("place", [BLOB, 7, "http://[x/mlruns/0", "/old/mlruns/../../etc/0"])
def test_what_is_no_place_below_the_project_is_left_as_it_is(
    tmp_path: Path, fresh_database: Path, place: object
) -> None:
    file = with_place(tmp_path, fresh_database, place)
    before = place_of(file)
    follow_move(file, tmp_path / "mlruns")
    assert place_of(file) == before


def test_text_that_is_no_utf_8_is_told_in_one_line_and_not_as_an_outage(tmp_path: Path, fresh_database: Path) -> None:
    file = with_place(tmp_path, fresh_database, BLOB, "CAST(? AS TEXT)")
    with pytest.raises(InputError, match="holds what MLflow cannot read") as told:
        open_store(Address(f"sqlite:///{file}", tmp_path / "mlruns"))
    assert not isinstance(told.value, StoreUnreachable)
    assert len(str(told.value).strip().splitlines()) == 1


def test_place_of_a_project_that_was_moved_is_followed(tmp_path: Path, fresh_database: Path) -> None:
    file = with_place(tmp_path, fresh_database, "/old/mlruns/0")
    follow_move(file, tmp_path / "mlruns")
    assert place_of(file) == str(tmp_path / "mlruns" / "0").encode()
