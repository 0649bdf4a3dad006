"""The folder of a team's server: what lies where in it, and the settings that the next start, stop or backup needs."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import entries

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ServerSettings:
    """What was asked for at the start.

    host, port: where it listens.
    workers: processes of MLflow's that answer.
    allowed_hosts: names by which browsers and programs may call it, separated by commas; empty for this machine's own.
    artifacts: a folder or an ``s3://`` address; empty for the folder's own.
    own_database: whether the database is one of the user's and not the folder's cluster.
    accounts: whether everybody has to sign in.
    permission: what a user may do with what others made.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 2
    allowed_hosts: str = ""
    artifacts: str = ""
    own_database: bool = False
    accounts: bool = False
    permission: str = "EDIT"

    @classmethod
    def read(cls, text: str) -> ServerSettings:
        """From what ``TeamFolder.keep`` wrote; what is none of it is left out."""
        known = cls()
        given = {name: value for name, value in entries(text).items() if hasattr(known, name)}
        kept = {name: value for name, value in given.items() if type(value) is type(getattr(known, name))}
        return replace(known, **kept)

    @property
    def open(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in LOOPBACK

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        return f"http://127.0.0.1:{self.port}" if self.open or self.host != "::1" else f"http://[::1]:{self.port}"


@dataclass(frozen=True)
class TeamFolder:
    """Paths of one server's folder. What is secret there is for its owner alone."""

    path: Path

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def own_artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def accounts(self) -> Path:
        """MLflow's database of users and what each may do."""
        return self.path / "accounts.db"

    @property
    def accounts_settings(self) -> Path:
        return self.path / "accounts.ini"

    @property
    def secret(self) -> Path:
        """What MLflow signs its forms with."""
        return self.path / "secret"

    @property
    def database_address(self) -> Path:
        """The address of a database of the user's, with its password: for its owner alone."""
        return self.path / "database.uri"

    @property
    def page_process(self) -> Path:
        return self.path / "page.process"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    def make(self) -> None:
        """Raises InputError: the folder cannot be made or written to."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.own_artifacts.mkdir(exist_ok=True)
        except OSError as error:
            rule = f"cannot be made ({error.strerror})"
            raise InputError(Problem("--folder", str(self.path), rule, "Name one that you may write to.")) from error

    def settings(self) -> ServerSettings | None:
        """Those of the last start; None where there was none."""
        file = self.path / "server.json"
        if not file.is_file():
            return None
        return ServerSettings.read(file.read_text(errors="replace"))

    def known(self) -> ServerSettings:
        """Raises InputError: no server was started in this folder."""
        settings = self.settings()
        if settings is None:
            rule = "no server was started in this folder"
            raise InputError(Problem("--folder", str(self.path), rule, "Start one: lrscope server start."))
        return settings

    def keep(self, settings: ServerSettings) -> None:
        write_privately(self.path / "server.json", json.dumps(asdict(settings), indent=1) + "\n")

    def artifacts(self, settings: ServerSettings) -> str:
        """Where the server keeps artifacts, as MLflow wants it named."""
        return settings.artifacts or str(self.own_artifacts)

    def size_bytes(self, part: Path) -> int:
        return sum(file.stat().st_size for file in part.rglob("*") if file.is_file() and not file.is_symlink())

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free


def write_privately(file: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner alone from its first moment."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)
