"""Real servers for tests: MLflow's own, a proxy that can be made to fail in front of it, and a PostgreSQL cluster."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

POSTGRES = Path("/usr/lib/postgresql")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A running ``mlflow server``."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def mlflow_server_on(folder: Path, backend: str) -> Iterator[Server]:
    """MLflow's own server with one worker and no job execution, on a free port of the loopback."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | quiet
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Server(port, folder, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 250) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no answer from {url}:\n{log.read_text()[-3000:]}")


class Proxy:
    """Stands between a client and a server, and misbehaves as told.

    ``mode`` is one of: ``pass``; ``refuse`` (nobody listens); ``hang`` (takes requests, never answers); ``status``
    (answers ``status`` itself); ``cut request`` (the server gets half of it); ``cut answer`` (the server does it, the
    client never hears). ``lies`` has what it answers by itself with status 200, by a part of the request's first line,
    as many times as it says; ``shortens`` a part of the first line of requests of whose body it passes on but half, as
    if that were all. ``delay_s`` holds every request up. A change of mode ends what is under way. ``asked`` has the
    first line of every request, ``most_at_once`` how many were under way in the same moment.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.delay_s = 0.0
        self.status = 500
        self.lies: dict[str, tuple[bytes, int]] = {}
        self.shortens: str | None = None
        self.asked: list[str] = []
        self.most_at_once = 0
        self._under_way = 0
        self._counting = threading.Lock()
        self._target_port = target_port
        self._mode = "pass"
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._listen()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> int:
        return len(self.asked)

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self._mode = mode
        if mode == "refuse":
            self._unlisten()
        elif self._listener is None:
            self._listen()
        for connection in list(self._open):
            _slam(connection)

    def close(self) -> None:
        self.mode = "refuse"

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _unlisten(self) -> None:
        if self._listener is not None:
            # shutdown wakes the thread that waits in accept; close alone would not.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        server: socket.socket | None = None
        try:
            while request := _read_message(client):
                asked = request.split(b"\r\n", 1)[0].decode()
                self.asked.append(asked)
                self._count(1)
                time.sleep(self.delay_s)
                self._count(-1)
                if self._mode == "hang":
                    client.recv(1)
                    return
                if self._mode == "status":
                    client.sendall(f"HTTP/1.1 {self.status} No\r\nContent-Length: 2\r\n\r\nno".encode())
                    continue
                if (lie := self._lie(asked)) is not None:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(lie), lie))
                    continue
                if self.shortens is not None and self.shortens in asked:
                    request = _shortened(request)
                # The server hangs up on a connection that was idle for longer than a few seconds.
                server = self._reach_server(server)
                if self._mode == "cut request":
                    server.sendall(request[: len(request) // 2])
                    return
                server.sendall(request)
                answer = _read_message(server)
                client.sendall(answer[: len(answer) // 3] if self._mode == "cut answer" else answer)
                if self._mode == "cut answer":
                    return
        except OSError:
            return
        finally:
            for connection in (client, server):
                if connection is not None:
                    self._open.discard(connection)
                    _slam(connection)

    def _lie(self, asked: str) -> bytes | None:
        for part, (body, times) in self.lies.items():
            if part in asked and times > 0:
                self.lies[part] = body, times - 1
                return body
        return None

    def _count(self, change: int) -> None:
        with self._counting:
            self._under_way += change
            self.most_at_once = max(self.most_at_once, self._under_way)

    def _reach_server(self, before: socket.socket | None) -> socket.socket:
        if before is not None:
            self._open.discard(before)
            before.close()
        server = socket.create_connection(("127.0.0.1", self._target_port))
        self._open.add(server)
        return server


def _shortened(request: bytes) -> bytes:
    """The request with half of its body, and a head that says so."""
    head, _, body = request.partition(b"\r\n\r\n")
    half = body[: len(body) // 2]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(half)]) + b"\r\n\r\n" + half


def _slam(connection: socket.socket) -> None:
    """Reset, so that the other side gets an error and not an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _read_message(connection: socket.socket) -> bytes:
    """One HTTP request or answer, whole; empty where the other side is done."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    headers = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
    length = int(headers.get(b"content-length", b"0"))
    while (not body.endswith(b"0\r\n\r\n")) if chunked else (len(body) < length):
        if not (more := connection.recv(65536)):
            break
        body += more
    return head + b"\r\n\r\n" + body


@pytest.fixture(scope="session")
def fresh_database() -> Path:
    """An initialised, empty SQLite store, to be copied."""
    return empty_store()


@cache
def empty_store() -> Path:
    """The same for tests that type commands: making a store takes MLflow seconds."""
    from lrscope.tracking.mlflow_store.address import Address
    from lrscope.tracking.mlflow_store.store import open_store

    folder = Path(tempfile.mkdtemp(prefix="lrscope-fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_store(Address(f"sqlite:///{folder}/mlflow.db", folder / "mlruns"))
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Iterator[Server]:
    """One server for all tests: they keep to experiments of their own."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(fresh_database, folder / "server.db")
    with mlflow_server_on(folder, f"sqlite:///{folder}/server.db") as server:
        yield server


@pytest.fixture
def proxy(mlflow_server: Server) -> Iterator[Proxy]:
    proxy = Proxy(mlflow_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root of the test's own, with no store yet and no setting from outside."""
    for name in list(os.environ):
        if name.startswith("MLFLOW_TRACKING"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LRSCOPE_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def store_project(project: Path, fresh_database: Path) -> Path:
    """The same with an initialised, empty ``mlflow.db``."""
    shutil.copy(fresh_database, project / "mlflow.db")
    return project


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URI of an empty PostgreSQL database in a cluster of the tests' own, on the loopback."""
    programs = sorted(POSTGRES.glob("*/bin/initdb"))
    if not programs:
        pytest.skip(f"PostgreSQL's server programs are not under {POSTGRES} (Debian: apt-get install postgresql)")
    user = _postgres_user()
    folder = Path("/tmp") / f"lrscope-postgres-{os.getpid()}"
    folder.mkdir()
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c fsync=off -p {port} -k {folder}"
    try:
        if user is not None:
            shutil.chown(folder, user)
        _as(user, programs[-1], "-D", folder / "data", "-U", "lrscope", "-A", "trust", "--no-sync")
        control = programs[-1].with_name("pg_ctl")
        _as(user, control, "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start")
        try:
            yield f"postgresql+psycopg2://lrscope@127.0.0.1:{port}/postgres"
        finally:
            _as(user, control, "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_user() -> str | None:
    """initdb refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("tests run as root and there is no user postgres to run PostgreSQL as")


def _as(user: str | None, *command: object) -> None:
    done = subprocess.run([str(word) for word in command], user=user, cwd="/", capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")
