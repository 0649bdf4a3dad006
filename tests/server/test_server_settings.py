"""What of a team's server is refused, and what it is told of names and users."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.cli.commands.entry import run
from lrscope.core.errors import InputError
from lrscope.server.accounts import Account, read_accounts
from lrscope.server.postgres import OwnDatabase
from lrscope.server.server_page import page_words
from lrscope.server.team_folder import ServerSettings, TeamFolder


def users(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    file = tmp_path / "users.txt"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "nobody would sign in"),
        (["--host", "0.0.0.0", "--users", "{users}"], "--allowed-hosts NAME"),
        (["--users", "{users}", "--permission", "WRITE"], "MLFLOW knows no such permission"),
        (["--workers", "0"], "must be at least 1"),
        (["--artifacts", "here"], "must be an absolute path"),
        (["--users", "nowhere.txt"], "cannot be read"),
        (["--database-file", "nowhere.txt"], "cannot be read"),
        (["--port", "70000"], "between 1 and 65535"),
    ],
)
def test_what_is_refused_before_anything_starts(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = users(tmp_path, "boss:a very long one\n")
    typed = [word.format(users=file) for word in words]
    assert run("server", ["start", "--folder", str(tmp_path / "s"), *typed]) == 2
    printed = capsys.readouterr()
    assert said.lower() in printed.err.lower()
    assert not printed.out  # nothing is starting
    assert not (tmp_path / "s" / "postgres").exists()


def test_nothing_is_stopped_where_nothing_was_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("stop", "status", "upgrade"):
        assert run("server", [action, "--folder", str(tmp_path)]) == 2
        assert "lrscope server start" in capsys.readouterr().err


def test_users_of_a_file(tmp_path: Path) -> None:
    file = users(tmp_path, "# the team\nboss:a very long one\n\nanna: with:colons and spaces\n")
    found = read_accounts(file)
    assert found == (Account("boss", "a very long one"), Account("anna", " with:colons and spaces"))
    assert "long" not in repr(found)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("boss:a very long one\n", 0o644, "chmod 600"),
        ("boss\n", 0o600, "line 1: must be NAME:PASSWORD"),
        ("boss:short\n", 0o600, "fewer than 12"),
        ("boss:a very long one\nboss:another long one\n", 0o600, "line 2: boss stands there twice"),
        ("\n", 0o600, "holds nobody"),
    ],
)
def test_a_file_of_users_that_is_refused(text: str, mode: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_accounts(users(tmp_path, text, mode))
    assert said in str(refused.value) and "a very" not in str(refused.value)


def test_names_are_allowed_with_every_port_and_this_machine_stays() -> None:
    folder = TeamFolder(Path("/srv/team"))
    words = page_words(folder, ServerSettings(host="0.0.0.0", allowed_hosts="ml.example.org, ml", accounts=True))
    allowed = words[words.index("--allowed-hosts") + 1].split(",")
    assert allowed[:4] == ["ml.example.org", "ml.example.org:*", "ml", "ml:*"]
    assert allowed[4:] == ["localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*"]
    assert words[-2:] == ["--app-name", "basic-auth"]
    assert "--allowed-hosts" not in page_words(folder, ServerSettings())


def test_a_password_of_a_database_goes_to_its_programs_by_the_environment() -> None:
    database = OwnDatabase("postgresql+psycopg2://anna:s%40cret@db.example.org:5433/team")
    programs = database._programs()
    assert dict(programs.reach) == {
        "PGHOST": "db.example.org", "PGPORT": "5433", "PGUSER": "anna", "PGPASSWORD": "s@cret", "PGDATABASE": "team",
    }  # fmt: skip


def test_settings_come_back_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    folder = TeamFolder(tmp_path)
    asked = ServerSettings(host="0.0.0.0", port=5005, allowed_hosts="ml", accounts=True, permission="READ")
    folder.keep(asked)
    assert folder.settings() == asked
    (tmp_path / "server.json").write_text('{"port": "5005", "host": 7, "other": 1, "workers": 3}')
    assert folder.settings() == ServerSettings(workers=3)
