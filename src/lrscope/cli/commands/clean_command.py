"""Remove old runs from the store, with their artifacts: what would go is listed first, and asked about.

  lrscope clean --older-than 30d --dry-run                        list, delete nothing
  lrscope clean --older-than 30d --keep best,registered           the default of --keep
  lrscope clean --older-than 12w --keep none --interrupted --yes

A sweep goes as a whole, when its last member is old enough. With ``best`` its best member stays, and the parent that
shows it; with ``registered`` every run whose model is in the registry. Runs that have not ended, that are not wholly
delivered, or that a run which stays rests on, stay in any case. In a store that others share only your own are looked
at. From a database runs go for good; a server keeps what is deleted until `mlflow gc` is called beside it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.lifecycle.clean_up import CleaningPlan, OldRun
    from lrscope.tracking.mlflow_store.store import Store

_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_KEEP = ("best", "registered")
_MB = 1e6


def main(words: Sequence[str], prog: str | None) -> int:
    """0, also where nothing is to go or the answer was no; 2 for what the user has to change."""
    arguments = _parser(prog).parse_args(words)
    older_than_s, keep = _seconds(arguments.older_than), _kept(arguments.keep)
    if not (arguments.dry_run or arguments.yes or sys.stdin.isatty()):
        rule = "deletes runs, and there is no terminal to ask at"
        raise InputError(Problem("clean", "", rule, "Look with --dry-run, then give --yes."))
    from lrscope.core.paths import resolve
    from lrscope.lifecycle.clean_up import is_shared, plan, remove
    from lrscope.lifecycle.old_runs import Asked
    from lrscope.report.data.connect import connect_store
    from lrscope.tracking.origin import origin_tags

    store, spool, now_s = connect_store(arguments.uri), resolve(arguments.spool), time.time()
    own_only = is_shared(store) and not arguments.everyone
    asked = Asked(
        before_ms=int(1000 * (now_s - older_than_s)),
        best="best" in keep,
        registered="registered" in keep,
        interrupted=arguments.interrupted,
        foreign=arguments.all,
        user=origin_tags().get("mlflow.user", "") if own_only else None,
    )
    found = plan(store, spool, asked)
    _tell(found, now_s)
    if not found.going:
        print(f"Nothing to clean up: no run is older than {arguments.older_than} and not kept.")
        return 0
    if arguments.dry_run:
        print("Nothing was deleted: --dry-run.")
        return 0
    if not arguments.yes and not _agreed(len(found.going)):
        print("Nothing was deleted.")
        return 0
    removed = remove(store, spool, found.going, print)
    print(_done(removed, store))
    return 0


def _parser(prog: str | None) -> CommandParser:
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("--older-than", metavar="AGE", help="how long ago a run ended: 90m, 12h, 30d, 8w")
    parser.add_argument("--keep", default=",".join(_KEEP), metavar="WHAT", help="default: %(default)s; or none")
    parser.add_argument("--dry-run", action="store_true", help="list what would go, delete nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--interrupted", action="store_true", help="also runs that could be resumed (KILLED)")
    parser.add_argument("--all", action="store_true", help="also runs that lrscope did not make")
    parser.add_argument("--everyone", action="store_true", help="in a shared store: also other people's runs")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--spool", type=Path, default=Path("outputs/spool"), help="default: %(default)s")
    return parser


def _seconds(age: str | None) -> float:
    if age is None:
        raise InputError(
            Problem("--older-than", "", "says which runs are old, and is missing", "Try --older-than 30d.")
        )
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([mhdw])", age)
    if found is None or float(found[1]) == 0:
        raise InputError(Problem("--older-than", age, "must be a number above 0 with m, h, d or w", "Try 30d."))
    return float(found[1]) * _UNITS_S[found[2]]


def _kept(words: str) -> set[str]:
    keep = {word.strip() for word in words.split(",")}
    if keep == {"none"}:
        return set()
    if unknown := sorted(keep - {*_KEEP}):
        remedy = "Give best, registered, both with a comma, or none."
        raise InputError(Problem("--keep", unknown[0], "is nothing that can be kept", remedy))
    return keep


def _tell(found: CleaningPlan, now_s: float) -> None:
    """The table of what goes, its total, and why other old ones stay."""
    if found.going:
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD)
        for heading in ("kind", "name", "run", "user", "age", "artifacts", "journal"):
            table.add_column(heading, justify="right" if heading in ("age", "artifacts", "journal") else "left")
        for old in found.going:
            table.add_row(*_cells(old, now_s))
        wide = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
        wide.print(table, crop=False)
        artifacts, journals = (
            sum(sizes) for sizes in zip(*((o.artifacts, o.journal) for o in found.going), strict=True)
        )
        print(f"{_runs(len(found.going))}, artifacts {_size(artifacts)}, journals on this machine {_size(journals)}")
    for words, count in found.staying.items():
        print(f"stay: {count} {words}")


def _cells(old: OldRun, now_s: float) -> tuple[str, ...]:
    from lrscope.core.from_store import line
    from lrscope.lifecycle.old_runs import KIND, age_ms

    tags, info = old.run.data.tags, old.run.info
    age_days = age_ms(old.run, int(1000 * now_s)) / 86_400_000
    age = f"{age_days:.0f} d" if age_days >= 1 else f"{24 * age_days:.1f} h"
    kind, user = line(tags.get(KIND, "foreign")), line(tags.get("mlflow.user", ""))
    return kind, info.run_name or "", info.run_id, user, age, _size(old.artifacts), _size(old.journal)


def _size(size: int) -> str:
    return f"{size / _MB:,.1f} MB" if size >= _MB / 10 else f"{size / 1e3:,.1f} kB"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _agreed(count: int) -> bool:
    try:
        return input(f"Delete {_runs(count)}? Type yes: ").strip() == "yes"
    except EOFError:
        return False


def _done(removed: int, store: Store) -> str:
    if store.address.is_server:
        return f"{_runs(removed)} deleted. The server keeps them until `mlflow gc` is called beside it."
    return f"{_runs(removed)} removed for good."
