"""The commands as somebody types them."""

from __future__ import annotations

import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from servers import Server, free_port
from stored_sweeps import diverged, store_sweep, train

SCRIPTS = Path(__file__).parents[2] / "scripts"


def call(monkeypatch: pytest.MonkeyPatch, script: str, *arguments: str) -> int:
    """The exit code; in this process, which has MLflow loaded."""
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    return int(ended.value.code or 0)


@pytest.fixture
def uri(store_project: Path) -> str:
    return f"sqlite:///{store_project / 'mlflow.db'}"


def test_compare_prints_table_and_links_in_full(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parent, _ = store_sweep(uri, [train(0.01, 0, 3), diverged(10.0, 0)])
    monkeypatch.setenv("COLUMNS", "70")
    assert call(monkeypatch, "compare.py") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["★", "0.01"] for line in lines)
    (members,) = [line for line in lines if line.startswith("members ")]
    assert members.endswith(f"viewStateShareKey=lrscope-{parent[:12]}")
    (report,) = [line for line in lines if line.startswith("report   /")]
    assert Path(report.removeprefix("report   ")).is_file()
    assert call(monkeypatch, "compare.py", "--list") == 0
    assert capsys.readouterr().out.startswith(parent)


@pytest.mark.parametrize("script", ["compare.py", "diagnose.py"])
def test_wrong_input_is_one_line_and_exit_code_2(
    script: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["f" * 32, "--uri", uri],
        ["../x", "--uri", uri],
        ["f" * 32, "--uri", f"sqlite:///{tmp_path}/none.db"],
        ["f" * 32, "--uri", str(tmp_path)],
        ["f" * 32, "--uri", "http://127.0.0.1:9"],
    ):
        assert call(monkeypatch, script, *arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) <= 2
        assert said.err.startswith("error: ")
    assert not (tmp_path / "none.db").exists()


def test_diagnose_says_what_became_of_each_member(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parent, members = store_sweep(uri, [train(0.01, 0, 3), diverged(10.0, 0)])
    assert call(monkeypatch, "diagnose.py", parent, "--uri", uri) == 3, "one failed"
    said = capsys.readouterr().out
    assert all(member in said for member in members)
    assert "Diverged" in said


def test_diagnose_reads_the_params_of_a_run_that_another_program_made(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing but its params says that the rate was meant to decay."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(uri)
    run_id = client.create_run(client.create_experiment("plain")).info.run_id
    losses = [Metric("loss", 0.2 + 2 * 0.97**step, 0, step) for step in range(400)]
    rates = [Metric("learning_rate", 0.5, 0, step) for step in range(400)]
    params = {"optim.lr": "0.5", "optimizer": "sgd", "decay_rate": "0.96", "decay_steps": "100"}
    for points in (losses, rates):
        client.log_batch(run_id, points, [Param(name, value) for name, value in params.items()])
    assert call(monkeypatch, "diagnose.py", run_id, "--uri", uri) == 0
    said = capsys.readouterr().out
    assert "## Schedule never moved" in said
    assert "never advanced" in said and "SGD, peak rate 0.5" in said


def test_diagnose_takes_an_experiment_and_shows_a_table(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sweeps and lone runs, the oldest first; members beside those of their own sweep, parents not at all."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(uri)
    store_sweep(uri, [train(0.01, 0, 3), diverged(10.0, 0)], experiment="mine")
    plain = client.create_run(client.get_experiment_by_name("mine").experiment_id, run_name="by hand").info.run_id
    client.create_run(client.get_experiment_by_name("mine").experiment_id, run_name="empty")
    client.log_batch(plain, [Metric("loss", 0.2 + 2 * 0.97**step, 0, step) for step in range(400)])
    store_sweep(uri, [diverged(10.0, 0)], experiment="other")
    assert call(monkeypatch, "diagnose.py", "mine", "--uri", uri) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["lr=0.01", "lr=10", "by hand"]
    assert "diverged" in lines[1] and "trained" in lines[2]
    client.create_experiment("nothing")
    assert call(monkeypatch, "diagnose.py", "nothing", "--uri", uri) == 2
    assert "experiment=nothing: nothing is recorded in it" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["compare.py", "diagnose.py", "check.py", "ui.py"])
def test_help_loads_nothing_heavy(script: str) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['{script}', '--help']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code\n"
        "assert not {'mlflow', 'torch', 'matplotlib'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_ui_serves_this_machine_only_and_ends_with_ctrl_c(uri: str, store_project: Path) -> None:
    parent, _ = store_sweep(uri, [train(0.01, 0, 2)])
    port = free_port()
    environment = {**os.environ, "LRSCOPE_ROOT": str(store_project)}
    command = [sys.executable, str(SCRIPTS / "ui.py"), "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        lines = []
        while not lines or "Ctrl-C" not in lines[-1]:
            line = process.stdout.readline()
            assert line, lines
            lines.append(line.strip())
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120).read()
        assert b"MLflow" in page
        assert any(
            re.search(rf"members  http://127.0.0.1:{port}/#/experiments/\d+/runs\?.*{parent}", li) for li in lines
        )
        assert _listening(port) == {"127.0.0.1"}
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        for _ in range(1200):
            if not _answers(port):
                break
            time.sleep(0.1)
        assert not _answers(port)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _listening(port: int) -> set[str]:
    """Addresses on which somebody listens to the port, from Linux's own table."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        address, _, number = local.partition(":")
        if int(number, 16) == port and state == "0A":
            found.add(".".join(str(byte) for byte in reversed(bytes.fromhex(address))))
    return found


def test_a_port_that_is_taken(uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert call(monkeypatch, "ui.py", "--port", port, "--uri", uri) == 2
    assert f"port={port}: is taken" in capsys.readouterr().err
    assert call(monkeypatch, "ui.py", "--port", "70000", "--uri", uri) == 2


def test_a_server_is_not_served_again(
    mlflow_server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "ui.py", "--uri", mlflow_server.uri) == 0
    assert f"{mlflow_server.uri}/#/" in capsys.readouterr().out
    assert call(monkeypatch, "ui.py", "--uri", "http://127.0.0.1:9") == 2
