"""Say what became of runs, and why: of stored ones by their ids, also of runs that lrscope did not make, and of curves
in files: CSV, JSON lines, trainer_state.json, TensorBoard's events, or a folder of such.

Without an argument the sweep or run that was started last. The exit code is 3 where a verdict is a failed one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.cli.tell import print_aside
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.report.diagnose_stored import StoredDiagnosis

FAILED = 3


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 3 where a run failed by its verdict; 2 where a run is not there or what holds it cannot be read."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN|FILE|FOLDER",
        help="run ids, or their beginnings (of a sweep all members); paths",
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--tag", action="store_true", help="write the verdicts into the runs")
    parser.add_argument("--json", action="store_true", help="print JSON, see docs/diagnosis.md")
    parser.add_argument(
        "--map", action="append", default=[], metavar="NAME=COLUMN", help="a column of a file: train/loss=my_loss"
    )
    arguments = parser.parse_args(words)
    found = _found(arguments)
    if arguments.json:
        from lrscope.report.diagnoses_json import diagnoses_json

        print(json.dumps(diagnoses_json(found), indent=2))
    elif len(found) > 1 and any(Path(run).is_dir() for run in arguments.runs):
        width = max(len(item.name) for item in found)
        for item in found:
            print(f"{item.name:<{width}}  {item.diagnosis.verdict.label:<21} {item.diagnosis.primary.why}")
    else:
        for item in found:
            print(f"# {item.name}  ({item.run_id})\n\n{item.note_markdown.strip()}\n")
    return FAILED if any(item.diagnosis.verdict.failed for item in found) else 0


def _found(arguments: argparse.Namespace) -> list[StoredDiagnosis]:
    from lrscope.report.diagnose_files import diagnose_files
    from lrscope.report.diagnose_stored import diagnose_stored

    columns = dict(_column(word) for word in arguments.map)
    paths = [run for run in arguments.runs if Path(run).exists()]
    ids = [run for run in arguments.runs if run not in paths]
    found = [item for path in paths for item in diagnose_files(Path(path), columns, print_aside)]
    return [*found, *(diagnose_stored(ids, arguments.uri, arguments.tag) if ids or not paths else ())]


def _column(word: str) -> tuple[str, str]:
    name, sign, column = word.partition("=")
    if not (name and sign and column):
        raise InputError(Problem("--map", word, "names no column", "Use e.g. --map train/loss=my_loss."))
    return name, column
