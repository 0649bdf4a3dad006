"""A sweep on a Ray that is there already: recorded like one in a single process, and the cluster stays."""

from __future__ import annotations

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


def ray(*words: str, check: bool = True) -> None:
    done = subprocess.run([str(RAY), *words], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One with two processors on this machine."""
    pytest.importorskip("ray", reason="Ray is not installed: make test-ray has it")
    port = free_port()
    ray("start", "--head", "--num-cpus=2", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    yield
    ray("stop", "--force", check=False)


@pytest.mark.usefixtures("cluster")
def test_points_are_those_of_one_process(undisturbed: object, tmp_path: Path) -> None:
    words = (*WORDS, *ON_RAY, "sweep.engine_options.address=auto")
    typed = type_command(tmp_path, *words, store=True, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err + typed.out
    assert states(tmp_path) == ["FINISHED"] * 5 and points(typed) == undisturbed
