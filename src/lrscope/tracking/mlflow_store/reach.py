"""Whether a store answers, found out within seconds and before MLflow's slow import."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lrscope.core.command_words import command
from lrscope.core.errors import InputError, Problem, StoreUnreachable
from lrscope.core.files import plain_opener, what_it_is
from lrscope.core.redact import redact
from lrscope.tracking.mlflow_store.address import Address

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

ANSWER_WITHIN_S = 3.5
"""How long a store may take to answer at the start; with the imports around it a command fails within 5 s."""

_MAGIC = b"SQLite format 3\0"
"""What every database of SQLite begins with."""

_kept_open: dict[tuple[int, int], int] = {}
"""Descriptors of the database files that this process has looked into, by device and inode; see ``_beginning``."""
_one_at_a_time = threading.Lock()

_A_MOMENT_S = 1.0
_refused: dict[Address, tuple[float, StoreUnreachable]] = {}
"""When a store was last found away, and how."""

_REMEDY = f"Start it, set tracking.uri, or record without it: tracking.mode=offline, later `{command('sync')}`."

_READ_ONLY = "is read-only"
_ELSEWHERE = "Set LRSCOPE_ROOT to a folder that you may write, for all that a command leaves, or tracking.uri."

_NO_ENTRY = "it refused the user or password"
_LOGIN = (
    "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (of a database: in its address), or record without it: "
    "tracking.mode=offline."
)

_WORDS = (
    ("refused", "connection refused"),
    ("timed out", "no answer in time"),
    ("timeout", "no answer in time"),
    ("resolve", "its name is unknown"),
    ("name or service", "its name is unknown"),
    ("certificate", "its certificate is not trusted"),
    ("password", _NO_ENTRY),
    ("does not exist", "it has no such database, or no such user"),
    ("unknown database", "it has no such database"),
    ("reset", "the connection was cut"),
    ("aborted", "the connection was cut"),
    ("wrong_version_number", "it speaks no TLS: write http://, without the s"),
    ("ssl", "no TLS connection to it could be made"),
)


def unreachable(address: Address, why: str) -> StoreUnreachable:
    remedy = _LOGIN if _NO_ENTRY in why else _ELSEWHERE if why.endswith(_READ_ONLY) else _REMEDY
    return StoreUnreachable(Problem("tracking.uri", address.shown, f"cannot be reached ({redact(why)})", remedy))


def check_reachable(address: Address) -> None:
    """Ask; one that did not answer a moment ago is not asked again, which would take as long.

    Raises:
        StoreUnreachable: no answer within 3.5 s, or a refusal.
    """
    when, refusal = _refused.get(address, (0.0, None))
    if refusal is not None and time.monotonic() - when < _A_MOMENT_S:
        raise refusal
    try:
        _ask(address)
    except StoreUnreachable as error:
        _refused[address] = (time.monotonic(), error)
        raise


def _ask(address: Address) -> None:
    if address.is_server:
        _within(ANSWER_WITHIN_S, lambda: _ask_server(address), address)
    elif address.database_file is not None:
        _check_writable(address.database_file, address)
    elif address.is_database:
        _within(ANSWER_WITHIN_S, lambda: _ask_database(address), address)


def _within(seconds: float, ask: Callable[[], T], address: Address) -> T:
    """The answer of ``ask``, which runs in a thread of its own: nothing can hold the command longer."""
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(ask())
        except BaseException as error:  # handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="lrscope-reach")
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not answer:
        raise unreachable(address, f"no answer within {seconds:g} s")
    return answer[0]


def asked(
    address: Address, path: str, params: Mapping[str, str], posted: Mapping[str, str] | None = None
) -> requests.Response:
    """What a server answers, with the credentials that MLflow's client would use.

    Args:
        posted: what is sent to it; None for a question.

    Raises:
        requests.RequestException: it does not.
    """
    import requests

    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
    verify: bool | str = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        verify = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return requests.request(
            "GET" if posted is None else "POST",
            f"{address.uri}/api/2.0/{path}",
            params=params,
            json=posted,
            headers={"Authorization": f"Bearer {token}"} if token and not (user and password) else {},
            auth=(user, password) if user and password else None,
            cert=os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH") or None,
            verify=verify,
            timeout=ANSWER_WITHIN_S,
        )


def _ask_server(address: Address) -> bool:
    """One cheap call."""
    import requests

    try:
        response = asked(address, "mlflow/experiments/search", {"max_results": "1"})
    except requests.RequestException as error:
        raise unreachable(address, _reason(error)) from None
    own_login = any(os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("AUTH", "AWS_SIGV4"))
    if response.status_code in (401, 403) and own_login:
        return True
    if response.status_code in (401, 403):
        raise unreachable(address, f"{_NO_ENTRY}, status {response.status_code}")
    if response.status_code != 200:
        raise unreachable(address, f"it answered with status {response.status_code}")
    if not _is_mlflow(response):
        raise unreachable(address, "something answers there, but no MLflow server")
    return True


def _is_mlflow(response: Any) -> bool:
    """Whether this is the answer to the question: a proxy's page of HTML comes with status 200, too."""
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("experiments", []), list)


def _ask_database(address: Address) -> bool:
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        engine = sqlalchemy.create_engine(address.uri, poolclass=NullPool)
        engine.connect().close()
    except ModuleNotFoundError as error:
        rule = f"its driver {error.name} is not installed"
        remedy = "Install it, or name another: postgresql+psycopg2://…"
        raise InputError(Problem("tracking.uri", address.shown, rule, remedy)) from None
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            Problem("tracking.uri", address.shown, "is no address of a database", redact(str(error)))
        ) from None
    except SQLAlchemyError as error:
        raise unreachable(address, _reason(error)) from None
    return True


def _reason(error: Exception) -> str:
    text = str(error).lower()
    return next((words for sign, words in _WORDS if sign in text), type(error).__name__)


def _check_writable(file: Path, address: Address) -> None:
    folder = file.parent
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
    except OSError as error:
        raise unreachable(address, str(error)) from None
    # SQLite makes its journal beside the file: the folder must be writable, too.
    for target in (folder, *([file] if file.exists() else [])):
        if not os.access(target, os.W_OK):
            raise unreachable(address, f"{target} {_READ_ONLY}")
    check_database(file, address)


def check_database(file: Path, address: Address) -> None:
    """Let only a SQLite database be opened as one, or a place where there is nothing yet. Nothing is opened to be
    written: a device, a FIFO, a folder, somebody's text stay as they are. Links are followed.

    Raises:
        StoreUnreachable: it is something else, or there is something else where SQLite keeps its journal.
    """
    real = Path(os.path.realpath(file))
    for beside in ("-wal", "-shm", "-journal", ".lock"):
        other = real.with_name(real.name + beside)
        if what := what_it_is(other):
            raise unreachable(address, f"{other} is {what}, where SQLite keeps a file of its own")
    if what := what_it_is(real):
        raise unreachable(address, f"{file} is {what}, not a database")
    if not real.exists():
        return
    try:
        begins = _beginning(real)
    except OSError as error:
        raise unreachable(address, str(error)) from None
    if begins not in (b"", _MAGIC):
        raise unreachable(address, f"{file} is a file of another kind, not a database")


def _beginning(file: Path) -> bytes:
    """The first bytes of a file, which stays open from then on.

    A process that closes any descriptor of a file loses all its POSIX locks on it, those of SQLite's connections too.
    The next process that closes the database would take itself for the last one and remove the write-ahead log, and
    this process would go on reading the removed one.
    """
    with _one_at_a_time:
        for known, descriptor in list(_kept_open.items()):
            if os.fstat(descriptor).st_nlink == 0:
                os.close(_kept_open.pop(known))
        found = file.lstat()
        known = (found.st_dev, found.st_ino)
        if known not in _kept_open:
            _kept_open[known] = plain_opener(str(file), os.O_RDONLY)
        return os.pread(_kept_open[known], len(_MAGIC), 0)
