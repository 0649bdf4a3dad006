"""Find runs that say RUNNING though their process is gone, and mark them KILLED.

Where it is certain (same machine, same boot) they are marked at once. Others are listed when they have been silent for
ten minutes, and marked with --mark; a run that lives after all takes that back within a minute.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command
from lrscope.tracking import TrackingSettings
from lrscope.tracking.liveness.reap import reap


def main() -> int:
    """0, or 2 where the store cannot be reached."""
    spare_the_command()
    keep_what_can_be_shown()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="with --mark: only these MLflow run ids")
    parser.add_argument("--mark", action="store_true", help="mark the silent ones as well")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--spool", type=Path, default=Path("outputs/spool"), help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        reaped = reap(TrackingSettings(uri=arguments.uri, spool=arguments.spool), arguments.mark, arguments.runs)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for line in reaped.gone:
        print(line)
    for run in reaped.doubtful:
        print(f"{run}: {'KILLED' if run.run_id in reaped.marked else 'mark it with --mark'}")
    if not reaped.gone and not reaped.doubtful:
        print("Every run that says RUNNING has a live process.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
