"""Which store is meant: by a setting, the environment or MLflow's default; the working folder plays no part."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import project_root
from lrscope.core.redact import redact_uri

_MISSPELT = {"postgres": "postgresql", "psql": "postgresql", "sqlite3": "sqlite", "mariadb": "mysql"}

_SQLITES = ("timeout", "check_same_thread", "isolation_level", "cached_statements", "detect_types")
"""What an address of SQLite may ask for: nothing that makes another file of it."""

_DATABASES = ("postgresql", "mysql", "mssql", "sqlite")


@dataclass(frozen=True)
class Address:
    """Where a store is. ``uri`` may hold a password and is for the client only; ``shown`` is for people and files."""

    uri: str
    artifacts: Path | None
    """Folder for the artifacts of new experiments; None where the store decides."""

    @property
    def shown(self) -> str:
        return redact_uri(self.uri)

    def name_beside(self, journals: Path) -> str:
        """What the journals in a folder call the store. One that lies below the same root as they do is called by its
        place as seen from their folder: the name holds when the root is moved or copied, whatever the environment says.
        """
        root, file = project_root(), self.database_file
        if file is not None and file.is_relative_to(root) and journals.is_relative_to(root):
            return f"sqlite:///{Path(os.path.relpath(file, journals)).as_posix()}"
        return self.shown

    def is_called(self, name: str, journals: Path) -> bool:
        """Whether a journal in that folder means this store; older ones have its absolute path."""
        return whole_name(name, journals) == whole_name(self.shown, journals)

    @property
    def scheme(self) -> str:
        """Without the driver: ``postgresql`` for ``postgresql+psycopg2://…``."""
        return self.uri.partition(":")[0].partition("+")[0].lower()

    @property
    def is_server(self) -> bool:
        return self.scheme in ("http", "https")

    @property
    def is_database(self) -> bool:
        return self.scheme in _DATABASES

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite store; None for any other."""
        return Path(self.uri.partition(":///")[2].partition("?")[0]) if self.scheme == "sqlite" else None


def whole_name(name: str, journals: Path) -> str:
    """The address that the journals in a folder mean by the name of their store, see ``name_beside``."""
    scheme, is_file, place = name.partition(":///")
    if not (is_file and scheme.startswith("sqlite")):
        return name
    return f"sqlite:///{os.path.normpath(journals / place.partition('?')[0])}"


def resolve_uri(uri: str | None) -> Address:
    """The store that is meant: ``uri``, else ``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db`` at the root.

    A relative sqlite path is taken from the project's root, wherever the command was started.

    Raises:
        InputError: a ``file:`` URI or a bare path, which MLflow no longer writes, a database in memory, or any other
            address that is neither a database's nor a server's.
    """
    from_environment = os.environ.get("MLFLOW_TRACKING_URI")
    chosen = (uri or from_environment or "sqlite:///mlflow.db").strip()
    key = "tracking.uri" if uri or not from_environment else "MLFLOW_TRACKING_URI"
    root = project_root()
    address = Address(chosen, None)
    if "://" in chosen and address.scheme != "file":
        if address.is_server and urlsplit(chosen).netloc:
            return Address(chosen.rstrip("/"), None)
        if address.scheme == "sqlite":
            return Address(_absolute_sqlite(chosen, root), root / "mlruns")
        if address.is_database:
            return Address(chosen, root / "mlruns")
        if _has_plugin(address.scheme):
            return address
    raise InputError(Problem(key, address.shown, *_refusal(chosen, address.scheme)))


def _refusal(chosen: str, scheme: str) -> tuple[str, str]:
    """Why nothing can be recorded there, and what to do."""
    remedy = "Use sqlite:///mlflow.db or http://HOST:5000."
    if scheme in _MISSPELT:
        return f"{scheme}:// is no address of a database", f"Write {_MISSPELT[scheme]}://…"
    if scheme in ("http", "https"):
        return "names no server", remedy
    if scheme.startswith("databricks") or scheme == "uc":
        return "lrscope does not record to Databricks", remedy
    if "://" in chosen and scheme != "file":
        return f"MLflow keeps no runs at {scheme}://, only in a database or on a server", remedy
    return "MLflow writes to a database or a server, not to a folder of files", remedy


def _has_plugin(scheme: str) -> bool:
    """Whether an installed package brings MLflow a store of this scheme."""
    return any(entry.name == scheme for entry in entry_points(group="mlflow.tracking_store"))


def _absolute_sqlite(uri: str, root: Path) -> str:
    """The same file for every version of SQLAlchemy, of which some take ``%20`` for a space and some do not.

    SQLite knows addresses of its own (``file:…?vfs=``), which would lead past every look at the file.
    """
    head, _, rest = uri.partition(":///")
    path, mark, query = rest.partition("?")
    remedy = "Use e.g. sqlite:///mlflow.db."
    if not path or path == ":memory:":
        raise InputError(Problem("tracking.uri", uri, "a database in memory is gone when the command ends", remedy))
    path = unquote(path)
    if path.lower().startswith("file:") or set(path) & set("%?\0\n"):
        raise InputError(Problem("tracking.uri", uri, "names no plain file", remedy))
    if others := [name for name, _ in parse_qsl(query, keep_blank_values=True) if name not in _SQLITES]:
        rule = f"asks SQLite for {', '.join(others)}, which lrscope does not know"
        raise InputError(Problem("tracking.uri", uri, rule, remedy))
    return f"{head.lower()}:///{root / path}{mark}{query}"
