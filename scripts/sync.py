"""Deliver what earlier commands could not: recorded offline, or while the tracking store was away."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command
from lrscope.tracking import TrackingSettings
from lrscope.tracking.delivery.sync import sync


def main() -> int:
    """0 where everything is in the store now, 1 where something is left, 2 where the store cannot be reached."""
    spare_the_command()
    keep_what_can_be_shown()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--spool", type=Path, default=Path("outputs/spool"), help="default: %(default)s")
    parser.add_argument("--adopt", action="store_true", help="also deliver runs that were recorded for another store")
    parser.add_argument(
        "--prune", action="store_true", help="remove from the journal what the store has of finished runs"
    )
    arguments = parser.parse_args()
    try:
        report = sync(TrackingSettings(uri=arguments.uri, spool=arguments.spool), arguments.adopt, arguments.prune)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for line in report.words or ("Nothing to deliver.",):
        print(line)
    return 1 if report.left else 0


if __name__ == "__main__":
    sys.exit(main())
