"""A sweep on a Ray that is there already: recorded like one in a single process, and the cluster stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sweeps_elsewhere import AT_MOST_S, WORDS, points, states, type_command

from servers import free_port

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(900)]

RAY = Path(sys.executable).with_name("ray")
ON_RAY = ("sweep.engine=ray", "sweep.workers=2")


TOKEN = "0123456789abcdef" * 2
"""Of the cluster. Ray asks for one only where it finds one: in ``~/.ray`` of some machines, here on all of them."""


def with_token(token: str) -> dict[str, str]:
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}


def ray(*words: str, check: bool = True) -> str:
    environment = os.environ | with_token(TOKEN)
    done = subprocess.run([str(RAY), *words], env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a cluster with two processors on this machine, which wants a token."""
    pytest.importorskip("ray", reason="Ray is not installed: make test-ray has it")
    port = free_port()
    ray("start", "--head", "--num-cpus=2", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    yield port
    ray("stop", "--force", check=False)


@pytest.mark.parametrize("address", ["auto", "127.0.0.1"])
def test_points_are_those_of_one_process(port: int, address: str, undisturbed: object, tmp_path: Path) -> None:
    """The cluster of this machine; and one by its address, with its token."""
    by_address = address != "auto"
    words = (*WORDS, *ON_RAY, f"sweep.engine_options.address={address}{f':{port}' if by_address else ''}")
    typed = type_command(tmp_path, *words, store=True, variables=with_token(TOKEN), at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err + typed.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(typed) == undisturbed


@pytest.mark.parametrize("case", ["wrong token", "no token", "nobody", "no such host"])
def test_a_cluster_that_does_not_take_it_is_a_line(port: int, case: str, tmp_path: Path) -> None:
    """In seconds, where Ray tries for minutes; the limit is for a busy machine."""
    host = "nowhere.invalid" if case == "no such host" else "127.0.0.1"
    address = f"{host}:{free_port() if case == 'nobody' else port}"
    variables = {"RAY_AUTH_MODE": "disabled"} if case == "no token" else with_token("0" * 32)
    words = (*WORDS, *ON_RAY, f"sweep.engine_options.address={address}")
    typed = type_command(tmp_path, *words, store=True, variables=variables, at_most_s=200)
    assert typed.code == 2, typed.err + typed.out
    (line,) = [line for line in typed.err.splitlines() if line.startswith("error")]
    assert f"sweep.engine_options.address={address}: Ray does not start there: " in line
    assert ("RAY_AUTH_TOKEN" if "token" in case else "ray start --head") in line
    assert "Traceback" not in typed.err and "gcs_client" not in typed.err + typed.out
    assert "RUNNING" not in states(tmp_path)
