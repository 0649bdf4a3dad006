"""Tests that leave something in the working tree fail as a whole, and it is said what they left."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

LEAVES = {
    "nothing": "pass",
    "untracked": "(ROOT / 'litter.txt').write_text('x')",
    "tracked": "(ROOT / 'tests' / 'servers.py').open('a').write('#')",
    "ignored": "(ROOT / 'outputs' / 'spool').mkdir(parents=True); (ROOT / 'outputs' / 'spool' / 'x').write_text('x')",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of its own, with what makes the check."""
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "clean_tree.py", "servers.py"):
        shutil.copy(HERE / name, tmp_path / "tests" / name)
    (tmp_path / ".gitignore").write_text("__pycache__/\n/outputs/\n.pytest_cache/\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "."]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize(("leaves", "processes"), [*((leaves, []) for leaves in LEAVES), ("untracked", ["-n2"])])
def test_what_is_left_fails_the_session(checkout: Path, leaves: str, processes: list[str]) -> None:
    name = {"nothing": "", "untracked": "litter.txt", "tracked": "tests/servers.py", "ignored": "outputs/spool/x"}
    test = f"from clean_tree import ROOT\n\n\ndef test_that_passes():\n    {LEAVES[leaves]}\n"
    (checkout / "tests" / "test_one.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *processes, "tests"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if name[leaves] else 0), done.stdout + done.stderr
    assert ("the working tree is not as it was" in done.stdout) is bool(name[leaves])
    assert name[leaves] in done.stdout


def test_without_git_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import clean_tree

    monkeypatch.setattr(clean_tree, "ROOT", tmp_path)
    assert clean_tree.contents() is None
