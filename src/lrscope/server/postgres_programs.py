"""PostgreSQL's own programs: where they are, and one of them run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.core.redact import redact_addresses

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's programs.

    user: as whom they run; None for the one who asks. reach: environment variables that say which server they call and
    with which password: a command line is for everybody to read.
    """

    folder: Path
    user: str | None = None
    reach: Mapping[str, str] = field(default_factory=dict)

    def succeeds(self, program: str, *words: str | Path) -> bool:
        return self._run(program, words).returncode == 0

    def do(self, program: str, *words: str | Path, read: Path | None = None, write: Path | None = None) -> str:
        """Run one to its end.

        Args:
            read, write: a file for its standard input, and for its output.

        Returns:
            what it printed; empty where that went into a file.

        Raises:
            LrscopeError: it fails; with its last lines.
        """
        done = self._run(program, words, read, write)
        if done.returncode:
            said = (done.stderr or done.stdout or b"").decode(errors="replace").strip()
            last = redact_addresses("\n".join(said.splitlines()[-5:]))
            raise LrscopeError(f"PostgreSQL's {program} failed:\n{last}")
        return (done.stdout or b"").decode(errors="replace")

    def _run(
        self, program: str, words: tuple[str | Path, ...], read: Path | None = None, write: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        with (read or Path(os.devnull)).open("rb") as stdin, (write or Path(os.devnull)).open("wb") as stdout:
            return subprocess.run(
                [str(self.folder / program), *map(str, words)],
                stdin=stdin,
                stdout=subprocess.PIPE if write is None else stdout,
                stderr=subprocess.PIPE,
                check=False,
                cwd="/",
                user=self.user,
                env=_environment() | dict(self.reach),
            )


def programs_folder() -> Path:
    """Of the newest release on this machine.

    Raises:
        InputError: there are none.
    """
    found = [path for place in _PLACES for path in Path("/").glob(place[1:]) if (path / "initdb").exists()]
    if found:
        return max(found, key=_release)
    on_path = shutil.which("initdb")
    if on_path is None:
        remedy = "Install them (Debian: apt-get install postgresql), or name a database of yours: --database-file FILE."
        raise InputError(Problem("PostgreSQL", "", "its server programs are not on this machine", remedy))
    return Path(on_path).resolve().parent


def cluster_owner() -> str | None:
    """Whom a cluster belongs to: PostgreSQL refuses root, so then Debian's user for it; None for whoever starts it.

    Raises:
        InputError: root starts it, and there is no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError as error:
        remedy = "Start the server as another user."
        raise InputError(Problem("root", "", "PostgreSQL does not run as root", remedy)) from error


def may_enter(user: str, folder: Path) -> bool:
    """Whether the user can pass through all folders above, as far as they exist."""
    entry = pwd.getpwnam(user)
    for parent in folder.parents:
        if not parent.exists():
            continue
        found = parent.stat()
        bit = 0o100 if found.st_uid == entry.pw_uid else 0o010 if found.st_gid == entry.pw_gid else 0o001
        if not found.st_mode & bit:
            return False
    return True


def _release(programs: Path) -> float:
    digits = "".join(letter for letter in programs.parent.name if letter.isdigit() or letter == ".")
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0.0


def _environment() -> dict[str, str]:
    """Without variables by which PostgreSQL's programs would go to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
