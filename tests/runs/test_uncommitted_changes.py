"""What the working tree has is kept with a run, in whatever encoding its files are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lrscope.runs import surroundings
from lrscope.tracking import origin


def _git(folder: Path, *words: str) -> None:
    own = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _git(tmp_path, "init", "-q")
    (tmp_path / "notes.txt").write_text("plain\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "first")
    monkeypatch.setattr(surroundings, "checkout", lambda: tmp_path)
    monkeypatch.setattr(origin, "checkout", lambda: tmp_path)
    surroundings.uncommitted_changes.cache_clear()
    origin.origin_tags.cache_clear()
    return tmp_path


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("caf\xe9\n".encode("latin-1"), "+caf\\xe9\n"),
        ("caf\xe9\n".encode(), "+caf\xe9\n"),
        ("caf\xe9\n".encode("utf-16"), "Binary files"),
        (b"\xff\xfe\x80\n", "+\\xff\\xfe\\x80\n"),
    ],
)
def test_a_changed_file_of_any_encoding(checkout: Path, content: bytes, shown: str) -> None:
    (checkout / "notes.txt").write_bytes(content)
    assert shown in surroundings.uncommitted_changes()


def test_a_branch_of_any_encoding(checkout: Path) -> None:
    _git(checkout, "symbolic-ref", "HEAD", "refs/heads/main")
    head = checkout / ".git" / "refs" / "heads"
    commit = subprocess.run(["git", "rev-parse", "HEAD~0"], cwd=checkout, capture_output=True, check=False).stdout
    packed = next(path for path in head.iterdir())
    (Path(str(head)) / "caf\udce9").write_bytes(packed.read_bytes() if packed.is_file() else commit)
    (checkout / ".git" / "HEAD").write_bytes(b"ref: refs/heads/caf\xe9\n")
    assert "mlflow.source.git.commit" in origin.origin_tags()
