"""Say what became of stored runs, and why, from what MLflow holds of them; also of runs that lrscope did not make.

Without an argument the sweep or run that was started last.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 2 where a run is not there or the store cannot be read."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run ids, or their beginnings; of a sweep all members")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--tag", action="store_true", help="write the verdicts into the runs")
    arguments = parser.parse_args(words)
    from lrscope.report.diagnose_stored import diagnose_stored

    for item in diagnose_stored(arguments.runs, arguments.uri, arguments.tag):
        print(f"# {item.name}  ({item.run_id})\n\n{item.note_markdown.strip()}\n")
    return 0
