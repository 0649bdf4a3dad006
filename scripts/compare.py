"""Compare the members of stored sweeps: the table here, the report as files and in MLflow.

Without an argument the latest sweep; with several they stand side by side in one report.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command


def main() -> int:
    """0, or 2 where a sweep is not there or the store cannot be read."""
    spare_the_command()
    keep_what_can_be_shown()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", nargs="*", metavar="SWEEP", help="run ids of sweeps (or of one of their members)")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--out", type=Path, help="folder for the files; default outputs/reports/ID")
    parser.add_argument("--dark", action="store_true", help="also write the figures on a dark ground")
    parser.add_argument("--dry", action="store_true", help="write nothing to the store, only the files")
    parser.add_argument("--list", action="store_true", help="list the latest sweeps of the store")
    arguments = parser.parse_args()
    try:
        return _list(arguments.uri) if arguments.list else _compare(arguments)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _compare(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from lrscope.report import members_table, sweep_links
    from lrscope.report.report_stored import report_stored

    done = report_stored(arguments.sweeps, arguments.uri, arguments.out, arguments.dark, not arguments.dry)
    Console(highlight=False).print(members_table(done.sweeps), crop=False)
    print(f"report   {done.files.html}")
    for sweep in done.sweeps:
        print(*sweep_links(sweep).lines(sweep.has_view), sep="\n")
    if done.not_kept:
        print(f"MLflow did not take the report: {done.not_kept}", file=sys.stderr)
    return 0


def _list(uri: str | None) -> int:
    from lrscope.report.report_stored import list_sweeps

    print(*(list_sweeps(uri) or ("no sweep yet",)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
