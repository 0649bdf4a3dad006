"""Find runs that say RUNNING though their process is gone, and mark them KILLED.

Where it is certain (same machine, same boot) they are marked at once. Others are listed when they have been silent for
ten minutes, and marked with --mark; a run that lives after all takes that back within a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.tracking import TrackingSettings
from lrscope.tracking.liveness.reap import reap


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 2 where the store cannot be reached."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="with --mark: only these MLflow run ids")
    parser.add_argument("--mark", action="store_true", help="mark the silent ones as well")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--spool", type=Path, default=Path("outputs/spool"), help="default: %(default)s")
    arguments = parser.parse_args(words)
    reaped = reap(TrackingSettings(uri=arguments.uri, spool=arguments.spool), arguments.mark, arguments.runs)
    for line in reaped.gone:
        print(line)
    for run in reaped.doubtful:
        print(f"{run}: {'KILLED' if run.run_id in reaped.marked else 'mark it with --mark'}")
    if not reaped.gone and not reaped.doubtful:
        print("Every run that says RUNNING has a live process.")
    return 0
