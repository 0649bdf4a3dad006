"""A team's server on this machine: PostgreSQL, MLflow's server in front of it, and the artifacts behind that.

  lrscope server start                    for this machine alone: http://127.0.0.1:5000
  lrscope server start --host 0.0.0.0 --allowed-hosts ml.example.org --users users.txt
  lrscope server status                   does it answer, and how much room it takes
  lrscope server backup backup.tar        while it runs; restore fills an empty folder from it
  lrscope server stop

All of it lies in one folder (--folder, default lrscope-server). Passwords come from files or the environment, never
from the command line, which everybody on the machine can read.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.server.team_folder import ServerSettings, TeamFolder

DATABASE = "LRSCOPE_SERVER_DATABASE"
_MB = 1e6


def main(words: Sequence[str], prog: str | None) -> int:
    """0, 1 where a part does not come up, 2 for what the user has to change, 3 where ``status`` finds it unwell."""
    arguments = _parser(prog).parse_args(words)
    from lrscope.server.team_folder import TeamFolder

    folder = TeamFolder(arguments.folder.resolve())
    code: int = arguments.action(folder, arguments)
    return code


def _parser(prog: str | None) -> CommandParser:
    parser = CommandParser(prog=prog, description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    everywhere = CommandParser(add_help=False)
    everywhere.add_argument("--folder", type=Path, default=Path("lrscope-server"), help="default: %(default)s")
    own = CommandParser(add_help=False)
    own.add_argument(
        "--database-file", type=Path, metavar="FILE",
        help=f"holds the address of a database of yours, instead of a cluster in the folder; or set {DATABASE}",
    )  # fmt: skip
    start = actions.add_parser("start", parents=[everywhere, own], help="start it in the background")
    start.set_defaults(action=_start)
    start.add_argument("--host", help="where it listens; default: this machine alone, 127.0.0.1")
    start.add_argument("--port", type=int, help="default: 5000")
    start.add_argument("--allowed-hosts", metavar="NAMES", help="names by which it is called, separated by commas")
    start.add_argument("--users", type=Path, metavar="FILE", help="lines NAME:PASSWORD, the administrator's first")
    start.add_argument("--permission", help="what a user may do with what others made; default: EDIT")
    start.add_argument("--artifacts", metavar="PLACE", help="a folder, or s3://BUCKET/PATH; default: in the folder")
    start.add_argument("--workers", type=int, help="processes of MLflow's that answer; default: 2")
    actions.add_parser("status", parents=[everywhere], help="is it well? 0 if so, else 3").set_defaults(action=_status)
    actions.add_parser("stop", parents=[everywhere], help="stop all of it").set_defaults(action=_stop)
    actions.add_parser(
        "upgrade", parents=[everywhere], help="after a new MLflow was installed: a backup, then the database's new form"
    ).set_defaults(action=_upgrade)
    backup = actions.add_parser("backup", parents=[everywhere], help="database, users and artifacts into one file")
    backup.set_defaults(action=_backup)
    backup.add_argument("file", type=Path, metavar="FILE")
    restore = actions.add_parser("restore", parents=[everywhere, own], help="fill an empty folder from a backup")
    restore.set_defaults(action=_restore)
    restore.add_argument("file", type=Path, metavar="FILE")
    return parser


def _start(folder: TeamFolder, arguments: argparse.Namespace) -> int:
    from lrscope.server.team_server import start

    settings = _asked(folder, arguments)
    begins = partial(print, "starting the database and MLflow's server …", flush=True)
    started = start(folder, settings, arguments.users, _database(arguments), begins)
    settings, name = started.settings, (settings.allowed_hosts.split(",")[0] or "127.0.0.1")
    shown = f"http://{name.strip()}:{settings.port}" if settings.open else settings.url
    print(f"{'runs already' if started.already else 'server'}   {shown}/?workflowType=machine_learning")
    print(f"data     {folder.path}")
    if started.new_users:
        print(f"users    new: {', '.join(started.new_users)}")
    print(f"train    export MLFLOW_TRACKING_URI={shown}")
    if settings.accounts:
        print("         export MLFLOW_TRACKING_USERNAME=… MLFLOW_TRACKING_PASSWORD=…")
    print(f"stop     lrscope server stop{_named(folder, arguments)}", flush=True)
    return 0


def _stop(folder: TeamFolder, _arguments: argparse.Namespace) -> int:
    from lrscope.server.team_server import stop

    print("stopped" if stop(folder) else "it did not run")
    return 0


def _status(folder: TeamFolder, _arguments: argparse.Namespace) -> int:
    from lrscope.server.team_server import health

    found = health(folder)
    answers = "does not answer" if found.page_ms is None else f"answers in {found.page_ms:.0f} ms"
    print(f"server     {found.settings.url} {answers}")
    runs = {True: "runs", False: "does not run", None: "one of yours, not looked at"}[found.database_runs]
    print(f"database   {runs}{_size(found.database_bytes)}")
    place = found.settings.artifacts or str(folder.own_artifacts)
    print(f"artifacts  {place}{_size(found.artifacts_bytes)}")
    print(f"disk       {found.free_bytes / 1e9:.1f} GB free")
    return 0 if found.well else 3


def _backup(folder: TeamFolder, arguments: argparse.Namespace) -> int:
    from lrscope.server.backup import back_up

    missing = back_up(folder, arguments.file.resolve())
    print(f"written: {arguments.file}{_size(arguments.file.stat().st_size)}")
    for words in missing:
        print(f"not in it: {words}")
    print(f"put back: lrscope server restore {arguments.file} --folder NEW-FOLDER")
    return 0


def _restore(folder: TeamFolder, arguments: argparse.Namespace) -> int:
    from lrscope.server.backup import restore

    restore(arguments.file.resolve(), folder, _database(arguments))
    print(f"restored into {folder.path}\nstart it: lrscope server start{_named(folder, arguments)}")
    return 0


def _upgrade(folder: TeamFolder, arguments: argparse.Namespace) -> int:
    from lrscope.server.backup import back_up
    from lrscope.server.team_server import database_of, need_stopped, upgrade

    need_stopped(folder)
    number = 1
    while (file := folder.path / f"before-upgrade-{number}.tar").exists():
        number += 1
    store = database_of(folder, folder.known())
    store.start()
    back_up(folder, file)
    print(f"backup   {file}", flush=True)
    upgrade(folder)
    print(f"upgraded; start it: lrscope server start{_named(folder, arguments)}")
    return 0


def _asked(folder: TeamFolder, arguments: argparse.Namespace) -> ServerSettings:
    """The settings of the last start with what is typed now."""
    from lrscope.server.team_folder import ServerSettings

    before = folder.settings() or ServerSettings()
    names = ("host", "port", "allowed_hosts", "permission", "artifacts", "workers")
    typed = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return replace(before, **typed, accounts=before.accounts or arguments.users is not None)


def _database(arguments: argparse.Namespace) -> str | None:
    """The address of a database of the user's; None where none is named."""
    file = arguments.database_file
    if file is None:
        return os.environ.get(DATABASE) or None
    try:
        found: str = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Write the database's address into it: postgresql://NAME:PASSWORD@HOST/DATABASE."
        raise InputError(Problem("--database-file", str(file), "cannot be read", remedy)) from error
    if "://" not in found or len(found.split()) != 1:
        remedy = "It must hold one line: postgresql://NAME:PASSWORD@HOST/DATABASE."
        raise InputError(Problem("--database-file", str(file), "holds no address of a database", remedy))
    return found


def _named(folder: TeamFolder, arguments: argparse.Namespace) -> str:
    return "" if folder.path == Path("lrscope-server").resolve() else f" --folder {arguments.folder}"


def _size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f", {size_bytes / _MB:,.1f} MB"
