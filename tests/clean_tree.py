"""What lies in the working tree: the tests must leave it as they found it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

OUTPUTS = ("outputs", "multirun", "mlruns", "mlflow.db", "mlflow.db-wal", "mlflow.db.lock")
"""What a command leaves at the root. Git ignores it; a test that leaves it there has written into the user's runs."""


def contents() -> frozenset[str] | None:
    """What git sees of the tree that is not in its last commit, and every file of ``OUTPUTS``; None without git."""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return frozenset(done.stdout.splitlines()) | {_described(path) for name in OUTPUTS for path in _files(ROOT / name)}


def changes(before: frozenset[str], after: frozenset[str]) -> list[str]:
    """What is new, and which outputs are gone. What git has ceased to see has been committed meanwhile."""
    gone = {line for line in before - after if line.startswith(OUTPUTS)}
    return sorted((after - before) | gone)


def _files(path: Path) -> list[Path]:
    return [found for found in (path, *path.rglob("*")) if found.is_file()]


def _described(path: Path) -> str:
    found = path.stat()
    return f"{path.relative_to(ROOT)} of {found.st_size} bytes, written at {found.st_mtime_ns}"
