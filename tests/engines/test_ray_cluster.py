"""A sweep on a Ray that is there already: recorded like one in a single process, and the cluster stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sweeps_elsewhere import AT_MOST_S, WORDS, points, states, type_command, under_way

from servers import free_port

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(900)]

RAY = Path(sys.executable).with_name("ray")
ON_RAY = ("sweep.engine=ray", "sweep.workers=2")


def ray(*words: str, check: bool = True) -> None:
    done = subprocess.run([str(RAY), *words], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cluster() -> Iterator[int]:
    """The port of one with two processors on this machine."""
    pytest.importorskip("ray", reason="Ray is not installed: make test-ray has it")
    port = free_port()
    ray("start", "--head", "--num-cpus=2", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    yield port
    ray("stop", "--force", check=False)


@pytest.mark.parametrize("named", ["auto", "by its port"])
def test_points_are_those_of_one_process(cluster: int, named: str, undisturbed: object, tmp_path: Path) -> None:
    """By its port with ``RAY_AUTH_MODE=token``, as Ray wants it of every client that names one."""
    address = "auto" if named == "auto" else f"127.0.0.1:{cluster}"
    words = (*WORDS, *ON_RAY, f"sweep.engine_options.address={address}")
    variables = {"RAY_AUTH_MODE": "token"} if named != "auto" else {}
    typed = type_command(tmp_path, *words, store=True, variables=variables, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err + typed.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(typed) == undisturbed


@pytest.mark.usefixtures("cluster")
def test_ctrl_c_does_not_wait_for_a_processor_that_others_have(undisturbed: object, tmp_path: Path) -> None:
    """One of the two groups has no processor: each wants both."""
    where = ("sweep.engine_options.address=auto", "sweep.engine_options.num_cpus=2")
    with under_way(tmp_path, *ON_RAY, *where) as process:
        os.killpg(process.pid, signal.SIGINT)
        output = process.wait(300)
        assert process.returncode == 130, output
        assert "Traceback" not in output
    assert set(states(tmp_path)) == {"KILLED"}
    again = type_command(tmp_path, *WORDS, *ON_RAY, *where, "resume=latest", at_most_s=AT_MOST_S)
    assert again.code == 0, again.err + again.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(again) == undisturbed
