"""Deliver what earlier commands could not: recorded offline, or while the tracking store was away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.tracking import TrackingSettings
from lrscope.tracking.delivery.sync import sync


def main(words: Sequence[str], prog: str | None) -> int:
    """0 where everything is in the store now, 1 where something is left, 2 where the store cannot be reached."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--spool", type=Path, default=Path("outputs/spool"), help="default: %(default)s")
    parser.add_argument("--adopt", action="store_true", help="also deliver runs that were recorded for another store")
    parser.add_argument(
        "--prune", action="store_true", help="remove from the journal what the store has of finished runs"
    )
    arguments = parser.parse_args(words)
    report = sync(TrackingSettings(uri=arguments.uri, spool=arguments.spool), arguments.adopt, arguments.prune)
    for line in report.words or ("Nothing to deliver.",):
        print(line)
    return 1 if report.left else 0
