"""The database behind a team's server: a PostgreSQL cluster in the server's folder, or one that the user names.

The cluster listens on no network, only on a socket file in a folder that its owner alone may enter: so it needs no
password, and none can leak.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from lrscope.core.errors import InputError, Problem
from lrscope.server.postgres_programs import Programs, cluster_owner, may_enter, programs_folder

ROLE = "lrscope"
DATABASE = "mlflow"
LONGEST_SOCKET = 90
"""Characters of the socket's folder: the system takes some 107 for the whole name."""


class Database(Protocol):
    """What the server, the backup and the upgrade need of a database."""

    @property
    def uri(self) -> str:
        """For SQLAlchemy."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def dump(self, file: Path) -> None:
        """Everything in it, in PostgreSQL's own format. It may be in use."""

    def load(self, file: Path) -> None:
        """What ``dump`` wrote, into an empty database."""


@dataclass(frozen=True)
class Cluster:
    """The cluster in ``folder``: ``data`` beside ``socket`` and ``log``."""

    folder: Path
    programs: Programs

    @property
    def uri(self) -> str:
        return f"postgresql+psycopg2://{ROLE}@/{DATABASE}?host={quote(str(self.folder / 'socket'))}"

    @property
    def made(self) -> bool:
        return (self.folder / "data" / "PG_VERSION").is_file()

    @property
    def running(self) -> bool:
        return self.made and self.programs.succeeds("pg_ctl", "-D", self.folder / "data", "status")

    def start(self) -> None:
        """Start it; what is missing, the cluster and the database in it, is made.

        Raises:
            LrscopeError: it does not come up; with the last lines of what it said.
        """
        if not self.made:
            self._make()
        data, log, socket = (self.folder / name for name in ("data", "log", "socket"))
        options = f"-c listen_addresses='' -c unix_socket_directories='{socket}'"
        if not self.running:
            self.programs.do("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "60", "start")
        listed = self.programs.do("psql", "-d", "postgres", "-Atc", "SELECT datname FROM pg_database")
        if DATABASE not in listed.split():
            self.programs.do("createdb", DATABASE)

    def stop(self) -> None:
        if self.running:
            self.programs.do("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")

    def dump(self, file: Path) -> None:
        self.programs.do("pg_dump", "-d", DATABASE, "-Fc", write=file)

    def load(self, file: Path) -> None:
        self.programs.do("pg_restore", "-d", DATABASE, "--no-owner", "--exit-on-error", read=file)

    def _make(self) -> None:
        socket = self.folder / "socket"
        socket.mkdir(parents=True, exist_ok=True)
        socket.chmod(0o700)
        if self.programs.user is not None:
            shutil.chown(self.folder, self.programs.user)
            shutil.chown(socket, self.programs.user)
        words = ("-U", ROLE, "-A", "trust", "--encoding=UTF8", "--locale=C")
        self.programs.do("initdb", "-D", self.folder / "data", *words)


@dataclass(frozen=True)
class OwnDatabase:
    """A database of the user's, which nobody here starts or stops."""

    uri: str

    def start(self) -> None:
        """It runs already, or MLflow's server says that it does not."""

    def stop(self) -> None:
        """It is not ours to stop."""

    def dump(self, file: Path) -> None:
        self._programs().do("pg_dump", "-Fc", write=file)

    def load(self, file: Path) -> None:
        programs = self._programs()
        programs.do("pg_restore", "-d", programs.reach["PGDATABASE"], "--no-owner", "--exit-on-error", read=file)

    def _programs(self) -> Programs:
        parts = urlsplit(self.uri)
        if not parts.scheme.startswith("postgres"):
            rule = "is no PostgreSQL, so it can neither be written into a backup nor be filled from one"
            raise InputError(Problem("--database-file", parts.scheme, rule, "Use that database's own programs."))
        known = {
            "PGHOST": parts.hostname,
            "PGPORT": str(parts.port) if parts.port else None,
            "PGUSER": parts.username,
            "PGPASSWORD": parts.password,
            "PGDATABASE": parts.path.lstrip("/"),
        }
        return Programs(programs_folder(), None, {name: unquote(value) for name, value in known.items() if value})


def cluster(folder: Path) -> Cluster:
    """The cluster of a folder, whether it is made or not.

    Raises:
        InputError: PostgreSQL's programs are not there, or the folder does not suit it.
    """
    socket, owner = folder / "socket", cluster_owner()
    if len(str(socket)) > LONGEST_SOCKET:
        rule = f"is too long a name for PostgreSQL's socket, {LONGEST_SOCKET} characters with what follows"
        raise InputError(Problem("--folder", str(folder.parent), rule, "Name a shorter one."))
    if owner is not None and not may_enter(owner, folder):
        rule = f"cannot be entered by the user {owner}, as whom PostgreSQL runs where root starts it"
        raise InputError(Problem("--folder", str(folder.parent), rule, "Name one as /srv/lrscope, or be no root."))
    return Cluster(folder, Programs(programs_folder(), owner, {"PGHOST": str(socket), "PGUSER": ROLE}))
