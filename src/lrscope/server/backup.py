"""All of a team's server in one file, and back into an empty place."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from lrscope.core.errors import InputError, Problem
from lrscope.server.team_folder import ServerSettings, TeamFolder, write_privately
from lrscope.server.team_server import database_of

_DUMP, _SETTINGS, _ACCOUNTS, _ARTIFACTS = "database.dump", "server.json", "accounts.db", "artifacts"
_LISTED = {_DUMP, _SETTINGS, _ACCOUNTS, _ARTIFACTS}


def back_up(folder: TeamFolder, file: Path) -> tuple[str, ...]:
    """Write database, users and artifacts into a tar file that its owner alone may read. The server may run meanwhile.

    The database goes first: an artifact that comes later is one too many, never one too few.

    Returns:
        what is not in it, as sentences.

    Raises:
        InputError: the file is there already, or its folder is not.
        LrscopeError: the database cannot be read; no file is left then.
    """
    settings = folder.known()
    if file.exists():
        raise InputError(Problem("FILE", str(file), "is there already", "Name another, as backup-2.tar."))
    if not file.parent.is_dir():
        raise InputError(Problem("FILE", str(file), "its folder is not there", f"mkdir -p {file.parent}"))
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    try:
        with tempfile.TemporaryDirectory(dir=file.parent) as place:
            _write(folder, settings, fresh, Path(place))
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    if settings.artifacts.startswith("s3://"):
        return (f"the artifacts, which lie in {settings.artifacts}: copy them by that store's own means",)
    return ()


def restore(file: Path, folder: TeamFolder, database: str | None) -> ServerSettings:
    """Fill an empty folder from a backup, and leave the server stopped.

    Args:
        database: address of an empty database of the user's; None for a new cluster in the folder.

    Returns:
        the settings with which it can be started.

    Raises:
        InputError: the folder is not empty, or the file is no backup.
        LrscopeError: the database does not take it; the folder is emptied again.
    """
    if folder.path.exists() and any(folder.path.iterdir()):
        rule = "is not empty, and a backup goes into an empty place"
        raise InputError(Problem("--folder", str(folder.path), rule, "Name a new one."))
    settings = replace(_settings_in(file), own_database=database is not None)
    folder.make()
    try:
        if database is not None:
            write_privately(folder.database_address, database)
        _read(file, folder, settings)
        folder.keep(settings)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return settings


def _write(folder: TeamFolder, settings: ServerSettings, file: Path, place: Path) -> None:
    dump = place / _DUMP
    database_of(folder, settings).dump(dump)
    with tarfile.open(file, "w") as tar:
        tar.add(dump, _DUMP)
        # Where it lay is of no use elsewhere: a backup goes back into a folder's own place.
        inside = settings.artifacts and not settings.artifacts.startswith("s3://")
        text = json.dumps(asdict(replace(settings, artifacts="") if inside else settings)).encode()
        entry = tarfile.TarInfo(_SETTINGS)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        if folder.accounts.is_file():
            with closing(sqlite3.connect(folder.accounts)) as live, closing(sqlite3.connect(place / _ACCOUNTS)) as copy:
                live.backup(copy)  # whole, whatever is written meanwhile
            tar.add(place / _ACCOUNTS, _ACCOUNTS)
        if not settings.artifacts.startswith("s3://"):
            tar.add(folder.artifacts(settings), _ARTIFACTS)


def _read(file: Path, folder: TeamFolder, settings: ServerSettings) -> None:
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(file) as tar:
            tar.extractall(place, members=[m for m in tar if m.name.split("/")[0] in _LISTED], filter="data")
        dump = Path(place, _DUMP)
        store = database_of(folder, settings)
        store.start()
        try:
            store.load(dump)
        finally:
            store.stop()
        if Path(place, _ACCOUNTS).is_file():
            shutil.move(Path(place, _ACCOUNTS), folder.accounts)
            folder.accounts.chmod(0o600)
        if Path(place, _ARTIFACTS).is_dir():
            shutil.copytree(Path(place, _ARTIFACTS), folder.own_artifacts, dirs_exist_ok=True)


def _settings_in(file: Path) -> ServerSettings:
    """Raises InputError: the file is no backup of a server."""
    try:
        with tarfile.open(file) as tar:
            found = tar.extractfile(_SETTINGS)
            assert found is not None
            text, _ = found.read(100_000).decode(), tar.getmember(_DUMP)
    except (OSError, KeyError, AssertionError, UnicodeDecodeError, tarfile.TarError) as error:
        rule = "is no backup of a server" if file.is_file() else "is not there"
        raise InputError(Problem("FILE", str(file), rule, "Name what lrscope server backup wrote.")) from error
    return ServerSettings.read(text)
