"""A project that may only be read: what to do is said in a line, and does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CHECKOUT

SMALL = ("dataset=blobs", "epochs=1", "trainer=cpu", "callbacks.look_ahead=false", "tracking.log_model=none")
AS_OTHERS = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override")
"""Root writes what may only be read, unless it gives this up."""


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    root.mkdir()
    root.chmod(0o555)
    yield root
    root.chmod(0o755)


def train(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    as_others = AS_OTHERS if os.geteuid() == 0 else ()
    if as_others and shutil.which(as_others[0]) is None:
        pytest.skip("setpriv is needed to give up root's rights")
    command = [*as_others, sys.executable, str(CHECKOUT / "train.py"), *SMALL, *words]
    environment = {**os.environ, "LRSCOPE_ROOT": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=root.parent, check=False)


@pytest.mark.parametrize("words", [(), ("-m", "lr=1,0.1"), ("tracking=off",)], ids=["run", "sweep", "off"])
def test_a_line_says_where_else(read_only: Path, words: tuple[str, ...]) -> None:
    ended = train(read_only, *words)
    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    assert "LRSCOPE_ROOT to a folder that you may write" in line
    assert ("is read-only" in line) or ("permission denied" in line)


def test_that_folder_will_do(read_only: Path) -> None:
    other = read_only.parent / "mine"
    other.mkdir()
    ended = train(other)
    assert ended.returncode == 0, ended.stderr
    assert (other / "mlflow.db").is_file() and not list(read_only.iterdir())
