"""The set-up: what is pinned, that it happens once, and that cleaning keeps the runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ("mlflow.db", "mlflow.db-wal", "mlruns/digits/run/artifacts/config.yaml", "outputs/spool/run/events.jsonl")


def make(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, input=typed, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, a set-up that is done, and recorded runs."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in (*RECORDS, "mlruns/.gitkeep", "src/x/__pycache__/y.pyc", "tests/t", "scripts/s", "benchmarks/b"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("kept")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".stamp").touch()
    return tmp_path


def test_a_second_call_sets_nothing_up(project: Path) -> None:
    assert "Nothing to be done" in make(project, "setup").stdout


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_needed_sets_up_again(project: Path, changed: str) -> None:
    stamp = project / ".venv" / ".stamp"
    after = stamp.stat().st_mtime + 10
    os.utime(project / changed, (after, after))
    assert "pip install" in make(project, "--dry-run", "setup").stdout


def test_clean_keeps_every_recorded_run(project: Path) -> None:
    assert make(project, "clean").returncode == 0
    assert not (project / ".venv").exists()
    assert not (project / "src/x/__pycache__").exists()
    assert all((project / name).read_text() == "kept" for name in RECORDS)


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "no\n"])
def test_clean_runs_asks_first(project: Path, answer: str) -> None:
    assert "nothing deleted" in make(project, "clean-runs", typed=answer).stdout
    assert all((project / name).exists() for name in RECORDS)


def test_clean_runs_deletes_them_when_told_to(project: Path) -> None:
    assert "deleted" in make(project, "clean-runs", typed="yes\n").stdout
    assert not any((project / name).exists() for name in RECORDS)
    assert [path.name for path in (project / "mlruns").iterdir()] == [".gitkeep"], "it is tracked"


def test_an_old_python_is_refused_in_plain_words(project: Path) -> None:
    old = project / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (project / ".venv" / ".stamp").unlink()
    done = make(project, "setup", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stdout


def pinned() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), "plain name==version lines"
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_torch_is_the_version_that_has_a_cpu_build() -> None:
    assert pinned()["torch"] == "2.13.0"


def test_every_dependency_is_pinned() -> None:
    missing = needed("lrscope", "dev") - set(pinned()) - {"lrscope"}
    # What a build of torch for GPUs brings along is its own choice.
    assert not {name for name in missing if not name.startswith(("nvidia-", "cuda-", "triton"))}


def needed(package: str, *extras: str) -> set[str]:
    """Names of a package and of all that it needs here, as far as they are installed."""
    found: set[str] = set()
    waiting = [(canonicalize_name(package), extras)]
    while waiting:
        name, extras = waiting.pop()
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        for requirement in map(Requirement, requirements):
            asked = requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in ("", *extras))
            if asked and canonicalize_name(requirement.name) not in found:
                waiting.append((canonicalize_name(requirement.name), tuple(requirement.extras)))
    return found
