"""A team's server as a user starts it: a real PostgreSQL, MLflow's real server, real accounts, backup and restore."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lrscope.cli.commands.entry import run
from lrscope.core.errors import InputError
from lrscope.tracking.mlflow_store.address import resolve_uri
from lrscope.tracking.mlflow_store.may_write import check_may_write
from servers import POSTGRES, free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.postgres,
    pytest.mark.skipif(not list(POSTGRES.glob("*/bin/initdb")), reason="PostgreSQL's server programs are not here"),
]

ADMIN, ANNA = ("boss", "a very long one"), ("anna", "another long one")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter, which pytest's own are not, and whose name is short."""
    place = Path("/tmp") / f"lrscope-team-{os.getpid()}"
    place.mkdir()
    yield place
    for folder in place.glob("*/server.json"):
        run("server", ["stop", "--folder", str(folder.parent)])
    subprocess.run(["rm", "-rf", str(place)], check=True)


def users_file(place: Path, *users: tuple[str, str]) -> Path:
    file = place / "users.txt"
    file.write_text("".join(f"{name}:{password}\n" for name, password in users))
    file.chmod(0o600)
    return file


def test_start_users_backup_restore_stop(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, port = place / "one", free_port()
    users = users_file(place, ADMIN, ANNA)
    words = ["--folder", str(folder)]
    assert run("server", ["start", *words, "--port", str(port), "--users", str(users), "--workers", "1"]) == 0
    assert "new: anna" in capsys.readouterr().out
    base = f"http://127.0.0.1:{port}/api/2.0/mlflow"
    assert requests.post(f"{base}/experiments/create", json={"name": "x"}, timeout=30).status_code == 401
    made = requests.post(f"{base}/experiments/create", json={"name": "x"}, auth=ADMIN, timeout=30).json()
    begun = {"experiment_id": made["experiment_id"], "run_name": "anna's"}
    answer = requests.post(f"{base}/runs/create", json=begun, auth=ANNA, timeout=30)
    assert answer.status_code == 200, "a colleague may record into an experiment that another made"
    assert run("server", ["status", *words]) == 0
    assert "database   runs" in capsys.readouterr().out

    # The command lines that everybody can read hold no password, and neither do the files that others can.
    shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--port {port}" in shown and ADMIN[1] not in shown and ANNA[1] not in shown
    open_to_all = [file for file in folder.glob("*") if file.is_file() and file.stat().st_mode & 0o044]
    assert not any(ADMIN[1] in file.read_text(errors="replace") for file in open_to_all)

    (folder / "artifacts" / "7").mkdir()
    (folder / "artifacts" / "7" / "model.bin").write_bytes(b"weights")
    backup = place / "all.tar"
    assert run("server", ["backup", str(backup), *words]) == 0
    assert backup.stat().st_mode & 0o077 == 0
    with pytest.raises(SystemExit):
        run("server", ["restore"])
    assert run("server", ["restore", str(backup), *words]) == 2, "the folder is not empty"
    assert "empty place" in capsys.readouterr().err
    assert run("server", ["stop", *words]) == 0
    assert run("server", ["status", *words]) == 3

    other, new_port = place / "two", free_port()
    assert run("server", ["restore", str(backup), "--folder", str(other)]) == 0
    assert run("server", ["start", "--folder", str(other), "--port", str(new_port)]) == 0
    found = requests.post(
        f"http://127.0.0.1:{new_port}/api/2.0/mlflow/runs/search",
        json={"experiment_ids": [made["experiment_id"]]}, auth=ANNA, timeout=30,
    ).json()  # fmt: skip
    assert [entry["info"]["run_name"] for entry in found["runs"]] == ["anna's"]
    assert (other / "artifacts" / "7" / "model.bin").read_bytes() == b"weights"
    assert run("server", ["stop", "--folder", str(other)]) == 0
    assert run("server", ["upgrade", "--folder", str(other)]) == 0
    assert (other / "before-upgrade-1.tar").is_file()
    assert run("server", ["stop", "--folder", str(other)]) == 0
    assert "it did not run" in capsys.readouterr().out


def test_a_sweep_is_recorded_on_a_server_where_one_signs_in(place: Path, tmp_path: Path) -> None:
    folder, port = place / "one", free_port()
    words = ["--folder", str(folder), "--port", str(port), "--users", str(users_file(place, ADMIN, ANNA))]
    assert run("server", ["start", *words]) == 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    environment |= {
        "LRSCOPE_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
        "MLFLOW_TRACKING_USERNAME": ANNA[0], "MLFLOW_TRACKING_PASSWORD": ANNA[1],
    }  # fmt: skip
    train = [sys.executable, "train.py", "-m", "lr=0.1,0.01", "epochs=1", "dataset=blobs", "trainer=cpu"]
    root = Path(__file__).parents[2]
    done = subprocess.run(train, cwd=root, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert ANNA[1] not in done.stdout + done.stderr
    found = requests.post(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/search", json={"experiment_ids": ["1"]}, auth=ADMIN, timeout=30
    ).json()["runs"]
    assert {entry["info"]["status"] for entry in found} == {"FINISHED"} and len(found) == 3
    assert list((folder / "artifacts").glob("1/*/artifacts/report/report.html"))
    # A wrong password is told before anything trains.
    wrong = environment | {"MLFLOW_TRACKING_PASSWORD": "not hers at all"}
    refused = subprocess.run(train, cwd=root, env=wrong, capture_output=True, text=True, timeout=200, check=False)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr and "not hers" not in refused.stderr


def test_who_may_only_read_an_experiment_is_refused_ahead(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, users = free_port(), users_file(place, ADMIN, ANNA)
    words = ["--folder", str(place / "one"), "--port", str(port), "--users", str(users), "--permission", "READ"]
    assert run("server", ["start", *words, "--workers", "1"]) == 0
    base = f"http://127.0.0.1:{port}/api/2.0/mlflow"
    made = requests.post(f"{base}/experiments/create", json={"name": "bosses"}, auth=ADMIN, timeout=30).json()
    address = resolve_uri(f"http://127.0.0.1:{port}")
    for user, password in (ANNA, ADMIN):
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        check_may_write(address, "of nobody yet")
        if user == ADMIN[0]:
            check_may_write(address, "bosses")
            continue
        with pytest.raises(InputError, match="the experiment bosses can only be read"):
            check_may_write(address, "bosses")
    search = {"experiment_ids": [made["experiment_id"]]}
    assert not requests.post(f"{base}/runs/search", json=search, auth=ADMIN, timeout=30).json().get("runs")
