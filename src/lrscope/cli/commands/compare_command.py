"""Compare the members of stored sweeps: the table here, the report as files and in MLflow.

Without an argument the latest sweep; with several they stand side by side in one report,
which begins with what differs and is kept with each of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.cli.json_alone import answered
from lrscope.cli.tell import print_aside
from lrscope.core.answer import Answer

if TYPE_CHECKING:
    from lrscope.report.report_stored import StoredReport


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 2 where a sweep is not there or the store cannot be read."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument(
        "sweeps", nargs="*", metavar="SWEEP", help="run ids of sweeps (or of a member), or their beginnings"
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--out", type=Path, help="folder for the files; default outputs/reports/ID")
    parser.add_argument("--dark", action="store_true", help="also write the figures on a dark ground")
    parser.add_argument("--dry", action="store_true", help="write nothing to the store, only the files")
    parser.add_argument("--list", action="store_true", help="list the latest sweeps of the store")
    parser.add_argument("--json", action="store_true", help="print JSON alone, see docs/package.md")
    arguments = parser.parse_args(words)
    if arguments.list and arguments.json:
        parser.error("--list has no JSON: give --json without it, and the latest sweep or those named are told")
    if arguments.json:
        return answered(Answer("compare"), lambda: _answer(_report(arguments)))
    return _list(arguments.uri) if arguments.list else _compare(arguments)


def _report(arguments: argparse.Namespace) -> StoredReport:
    from lrscope.report.report_stored import report_stored

    done = report_stored(
        arguments.sweeps, arguments.uri, arguments.out, arguments.dark, not arguments.dry, tell=print_aside
    )
    if done.not_kept:
        print(f"MLflow did not take the report: {done.not_kept}", file=sys.stderr)
    return done


def _answer(done: StoredReport) -> Answer:
    from lrscope.report.stored_answers import members_of, recommendations_of, sweep_answer

    return Answer(
        "compare",
        runs=members_of(done.sweeps),
        sweeps=tuple(map(sweep_answer, done.sweeps)),
        recommendations=recommendations_of(done.sweeps),
        report=str(done.files.html),
    )


def _compare(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from lrscope.report import members_table, sweep_links
    from lrscope.report.mlflow_ui.links import how_to_open

    done = _report(arguments)
    Console(highlight=False).print(members_table(done.sweeps), crop=False)
    print(f"report   {done.files.html}")
    for sweep in done.sweeps:
        print(*(line for line in (how_to_open(sweep), *sweep_links(sweep).lines(sweep.has_view)) if line), sep="\n")
    return 0


def _list(uri: str | None) -> int:
    from lrscope.report.report_stored import list_sweeps

    print(*(list_sweeps(uri) or ("no sweep yet",)), sep="\n")
    return 0
