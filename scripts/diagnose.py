"""Say what became of stored runs, and why, from what MLflow holds of them; also of runs that lrscope did not make."""

from __future__ import annotations

import argparse
import sys

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command


def main() -> int:
    """0, or 2 where a run is not there or the store cannot be read."""
    spare_the_command()
    keep_what_can_be_shown()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run ids; of a sweep all its members")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--tag", action="store_true", help="write the verdicts into the runs")
    arguments = parser.parse_args()
    try:
        from lrscope.report.diagnose_stored import diagnose_stored

        found = diagnose_stored(arguments.runs, arguments.uri, arguments.tag)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for item in found:
        print(f"# {item.name}  ({item.run_id})\n\n{item.note_markdown.strip()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
