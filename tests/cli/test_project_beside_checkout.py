"""A project of its own, used with the environment of a checkout: its files and its folder count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lrscope.cli.commands.entry import main
from lrscope.core.paths import conf_folders, project_root


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LRSCOPE_ROOT", "")  # put back as it was, whatever the command sets
    monkeypatch.delenv("LRSCOPE_ROOT")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["lrscope", "--version"])
    return tmp_path


def test_a_folder_with_a_first_file_is_a_project(started: Path) -> None:
    (started / "conf").mkdir()
    (started / "conf" / "train.yaml").write_text("lr: 1\n")
    assert main() == 0
    assert project_root() == started.resolve() and conf_folders()[0] == started.resolve() / "conf"


@pytest.mark.usefixtures("started")
def test_any_other_folder_is_not() -> None:
    assert main() == 0
    assert "LRSCOPE_ROOT" not in os.environ


def test_what_the_user_set_stays(started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (started / "conf").mkdir()
    (started / "conf" / "train.yaml").write_text("lr: 1\n")
    monkeypatch.setenv("LRSCOPE_ROOT", str(started / "other"))
    assert main() == 0
    assert os.environ["LRSCOPE_ROOT"] == str(started / "other")
