"""A project that was moved or copied keeps its artifacts where it is now: MLflow notes absolute paths of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PLACES = (
    ("runs", "run_uuid", "artifact_uri"),
    ("logged_models", "model_id", "artifact_location"),
    ("model_versions", "rowid", "storage_location"),
    ("experiments", "experiment_id", "artifact_location"),
)


def follow_move(file: Path, artifacts: Path | None) -> None:
    """Have the store of a project's own root name the places below this root, for what was moved or copied along.

    What still lies at the old place, and was not copied, is left there. A store that others share from roots of their
    own, or whose artifacts lie elsewhere by choice, is left as it is.
    """
    if artifacts is None or file.parent != artifacts.parent:
        return
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.text_factory = _text
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, key, column in _PLACES:
            if table in tables:
                rows = connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
                moved = [(new, one) for one, place in rows if (new := _moved(place, artifacts)) is not None]
                connection.executemany(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", moved)


def _text(raw: bytes) -> str | None:
    """A text of the store; None where somebody wrote what is no UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _moved(place: object, artifacts: Path) -> str | None:
    """The same place below ``artifacts``; None where it is there already, was not taken along, or is no place at all:
    anybody can write into a shared store.
    """
    try:
        split = urlsplit(place) if isinstance(place, str) else None
    except ValueError:
        split = None
    if split is None or split.scheme not in ("", "file"):
        return None
    old = Path(unquote(split.path))
    if old.is_relative_to(artifacts) or artifacts.name not in old.parts or ".." in old.parts:
        return None
    depth = len(old.parts) - old.parts[::-1].index(artifacts.name)
    new = artifacts.joinpath(*old.parts[depth:])
    if old.exists() and not new.exists():
        return None
    return new.as_uri() if split.scheme else str(new)
