from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.mlflow_store.reach import check_reachable
from lrscope.tracking.mlflow_store.store import open_store, resolve_uri
from servers import Proxy, free_port

PATIENCE_S = 60
"""A few seconds on a quiet machine; MLflow by itself would try for 247."""


def test_without_a_setting_it_is_the_default_store_of_mlflow_at_the_root(project: Path) -> None:
    address = resolve_uri(None)
    assert address.uri == f"sqlite:///{project}/mlflow.db"
    assert address.artifacts == project / "mlruns"


def test_the_setting_comes_before_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000/")
    assert resolve_uri(None).uri == "http://elsewhere:5000"
    assert resolve_uri("sqlite:///sub/own.db").uri == f"sqlite:///{project}/sub/own.db"


def test_a_relative_sqlite_path_is_taken_from_the_root_not_the_working_folder(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    address = resolve_uri("sqlite:///runs.db?timeout=5")
    assert address.uri == f"sqlite:///{project}/runs.db?timeout=5"
    assert address.database_file == project / "runs.db"


def test_a_server_decides_itself_where_artifacts_go() -> None:
    assert resolve_uri("https://host").artifacts is None


@pytest.mark.parametrize(
    "uri", ["file:///tmp/mlruns", "./mlruns", "/tmp/mlruns", "file:mlruns", "sqlite:///:memory:", "sqlite://"]
)
def test_what_mlflow_no_longer_writes_is_refused_with_the_remedy(uri: str) -> None:
    with pytest.raises(InputError, match=r"Use (e\.g\. )?sqlite:///mlflow") as caught:
        resolve_uri(uri)
    assert caught.value.problems[0].key == "tracking.uri"


def _refusal(uri: str, journal: Path) -> tuple[str, float]:
    began = time.monotonic()
    with pytest.raises(StoreUnreachable) as caught:
        open_session(TrackingSettings(uri=uri, spool=journal)).open()
    text = str(caught.value)
    assert uri in text and "tracking.mode=offline" in text and len(text.splitlines()) <= 2
    return text, time.monotonic() - began


def test_nobody_listens(project: Path) -> None:
    text, seconds = _refusal(f"http://127.0.0.1:{free_port()}", project / "spool")
    assert "connection refused" in text
    assert seconds < PATIENCE_S


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections, and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


def test_a_server_that_hangs(project: Path, silent_port: int) -> None:
    text, seconds = _refusal(f"http://127.0.0.1:{silent_port}", project / "spool")
    assert "no answer" in text
    assert seconds < PATIENCE_S


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "status 500"), (401, "user or password"), (403, "user or password"), (404, "status 404")],
)
def test_a_server_that_refuses(project: Path, proxy: Proxy, status: int, words: str) -> None:
    proxy.mode, proxy.status = "status", status
    text, seconds = _refusal(proxy.uri, project / "spool")
    assert words in text
    assert seconds < PATIENCE_S


def test_a_database_server_that_is_not_there(project: Path) -> None:
    _, seconds = _refusal(f"postgresql+psycopg2://127.0.0.1:{free_port()}/mlflow", project / "spool")
    assert seconds < PATIENCE_S


def test_a_file_that_is_no_database(project: Path) -> None:
    (project / "mlflow.db").write_text("something else entirely, but not short" * 100)
    text, _ = _refusal(f"sqlite:///{project}/mlflow.db", project / "spool")
    assert "not a database" in text


def test_a_folder_that_cannot_be_written() -> None:
    """In a process without root's rights, which would write it all the same."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o555)
        pid = os.fork()
        if pid == 0:
            if os.geteuid() == 0:
                os.setuid(65534)
            try:
                open_store(resolve_uri(f"sqlite:///{name}/mlflow.db"))
            except StoreUnreachable as error:
                os._exit(7 if "read-only" in str(error) and "Set LRSCOPE_ROOT" in str(error) else 8)
            except BaseException:
                os._exit(9)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_tables_of_another_version_are_named_with_the_remedy(store_project: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(store_project / "mlflow.db")
    connection.execute("UPDATE alembic_version SET version_num = '0a8213491aaa'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="another version of MLflow") as caught:
        open_store(resolve_uri(None))
    assert "mlflow db upgrade" in str(caught.value)


def test_artifacts_of_a_new_experiment_lie_in_the_project(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    store = open_store(resolve_uri(None))
    experiment = store.client.get_experiment(store.experiment_id("a/b"))
    assert experiment.artifact_location == f"file://{store_project}/mlruns/a_b"


def test_a_local_file_is_in_write_ahead_mode(store_project: Path) -> None:
    import sqlite3

    open_store(resolve_uri(None))
    connection = sqlite3.connect(store_project / "mlflow.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


WRITE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("INSERT INTO points VALUES (1)")
connection.close()
"""


def test_a_look_at_the_file_takes_no_lock_from_an_open_connection(project: Path) -> None:
    """Else another process that writes and closes removes the log that this one goes on reading."""
    file = project / "mlflow.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=wal").fetchone()
        connection.execute("CREATE TABLE points (step)")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM points").fetchone() == (0,)
        check_reachable(resolve_uri(None))
        for written in (1, 2):
            subprocess.run([sys.executable, "-I", "-S", "-c", WRITE, str(file)], check=True)
            assert connection.execute("SELECT count(*) FROM points").fetchone() == (written,)


@pytest.mark.usefixtures("store_project")
def test_a_deleted_experiment_of_that_name_is_restored() -> None:
    store = open_store(resolve_uri(None))
    first = store.experiment_id("gone")
    store.client.delete_experiment(first)
    store.forget_experiments()
    assert store.experiment_id("gone") == first
    assert store.client.get_experiment(first).lifecycle_stage == "active"


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "sqlite:///file:store.db?uri=true",
            "sqlite:///FILE:store.db",
            "sqlite:///x.db?uri=true",
            "sqlite:///x.db?vfs=unix",
        ),
        *(
            "sqlite:///x.db?mode=memory",
            "sqlite:///a%2500",
            "sqlite:///a%00b",
            "sqlite:///a%3Fb",
            "sqlite:///x.db?%75ri=1",
        ),
    ],
)
def test_no_spelling_leads_past_the_look_at_the_file(uri: str) -> None:
    with pytest.raises(InputError, match=r"names no plain file|asks SQLite for"):
        resolve_uri(uri)


SPELLINGS = ["sqlite:///{}", "sqlite+pysqlite:///{}", "SQLITE:///{}", "sqlite:///{}?timeout=5"]


def _bind(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(place))


@pytest.mark.parametrize("kind", ["FIFO", "socket", "folder", "text", "device"])
def test_what_is_no_database_is_refused_untouched(project: Path, kind: str) -> None:
    """In every spelling, also by a link; what is there stays what it is."""
    place = project / "a place.db"
    if kind == "device" and os.geteuid() != 0:
        pytest.skip("only root may make a node")
    {
        "FIFO": lambda: os.mkfifo(place),
        "socket": lambda: _bind(place),
        "device": lambda: os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 3)),  # a node of our own, as /dev/null is
        "folder": place.mkdir,
        "text": lambda: place.write_text("a user's own text"),
    }[kind]()
    (project / "link.db").symlink_to(place)
    before = place.lstat()
    quoted = str(place).replace(" ", "%20")
    for uri in [*(spelling.format(path) for spelling in SPELLINGS for path in (place, quoted)), "sqlite:///link.db"]:
        with pytest.raises(StoreUnreachable, match=kind if kind != "text" else "of another kind, not a database"):
            open_store(resolve_uri(uri))
        with pytest.raises(StoreUnreachable):
            open_store(resolve_uri(uri), asked=True)
    after = place.lstat()
    assert (after.st_ino, after.st_mode, after.st_size, after.st_mtime) == (
        before.st_ino,
        before.st_mode,
        before.st_size,
        before.st_mtime,
    )
    assert {path.name for path in project.iterdir()} == {"a place.db", "link.db"}


@pytest.mark.parametrize("beside", [".lock", "-wal", "-journal"])
def test_nor_is_it_opened_where_something_else_lies_beside_it(project: Path, beside: str) -> None:
    os.mkfifo(project / f"mlflow.db{beside}")
    with pytest.raises(StoreUnreachable, match="FIFO"):
        open_store(resolve_uri(None))
    assert [path.name for path in project.iterdir()] == [f"mlflow.db{beside}"]


def test_the_root_and_the_journals_are_folders(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(project / "fifo")
    for settings in (
        TrackingSettings("offline", None, project / "fifo"),
        TrackingSettings("online", None, project / "fifo"),
    ):
        with pytest.raises(InputError, match="fifo"):
            open_session(settings).open()
    with pytest.raises(InputError, match=r"tracking\.spool"):
        sync(TrackingSettings("online", None, project / "fifo"))
    monkeypatch.setenv("LRSCOPE_ROOT", str(project / "fifo"))
    with pytest.raises(InputError, match="LRSCOPE_ROOT"):
        resolve_uri(None)
    assert [path.name for path in project.iterdir()] == ["fifo"]
