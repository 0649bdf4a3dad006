"""Where modules of the user's own are looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lrscope.core.paths import find_the_users_modules


def test_the_folder_of_the_command_comes_before_the_projects_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, here = tmp_path / "root", tmp_path / "here"
    for folder in (root, here):
        folder.mkdir()
    monkeypatch.setenv("LRSCOPE_ROOT", str(root))
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["somewhere"])
    find_the_users_modules()
    find_the_users_modules()
    assert sys.path == [str(here), str(root), "somewhere"]
