"""Say what became of runs, and why: of stored ones by their ids or their experiment's name, also of runs that lrscope
did not make, and of curves in files: CSV, JSON lines, trainer_state.json, TensorBoard's events, a W&B offline run, or a
folder of such. Of an experiment and of a folder a table.

Without an argument the sweep or run that was started last. The exit code is 3 where a verdict is a failed one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.cli.json_alone import answered
from lrscope.cli.tell import print_aside
from lrscope.core.answer import Answer
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.report.diagnose_stored import StoredDiagnosis

FAILED = 3


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 3 where a run failed by its verdict; 2 where a run is not there or what holds it cannot be read."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN|EXPERIMENT|FILE|FOLDER",
        help="run ids, or their beginnings (of a sweep all members); names of experiments; paths",
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--tag", action="store_true", help="write the verdicts into the runs")
    parser.add_argument("--json", action="store_true", help="print JSON alone, see docs/package.md")
    parser.add_argument(
        "--map", action="append", default=[], metavar="NAME=COLUMN", help="a column of a file: train/loss=my_loss"
    )
    arguments = parser.parse_args(words)
    if arguments.json:
        return answered(Answer("diagnose"), lambda: _answer(_found(arguments).runs))
    found = _found(arguments)
    if len(found.runs) > 1 and found.many:
        width = max(len(item.name) for item in found.runs)
        for item in found.runs:
            print(f"{item.name:<{width}}  {item.diagnosis.verdict.label:<21} {item.diagnosis.primary.why}")
    else:
        for item in found.runs:
            print(f"# {item.name}  ({item.run_id})\n\n{item.note_markdown.strip()}\n")
    return _code(found.runs)


@dataclass(frozen=True)
class Found:
    """The runs, and whether a word stands for many of them, so that a table shows them."""

    runs: tuple[StoredDiagnosis, ...]
    many: bool


def _code(found: Sequence[StoredDiagnosis]) -> int:
    return FAILED if any(item.diagnosis.verdict.failed for item in found) else 0


def _answer(found: Sequence[StoredDiagnosis]) -> Answer:
    from lrscope.report.stored_answers import diagnosed_runs

    return Answer("diagnose", _code(found), runs=diagnosed_runs(found))


def _found(arguments: argparse.Namespace) -> Found:
    from lrscope.report.diagnose_files import diagnose_files
    from lrscope.report.diagnose_stored import diagnose_experiment, diagnose_stored

    columns = dict(_column(word) for word in arguments.map)
    found: list[StoredDiagnosis] = []
    many, ids = False, []
    for word in arguments.runs:
        if Path(word).exists():
            found += diagnose_files(Path(word), columns, print_aside)
            many = many or Path(word).is_dir()
        elif (of_experiment := diagnose_experiment(word, arguments.uri, arguments.tag)) is not None:
            found, many = [*found, *of_experiment], True
        else:
            ids.append(word)
    if ids or not arguments.runs:
        found += diagnose_stored(ids, arguments.uri, arguments.tag)
    return Found(tuple(found), many)


def _column(word: str) -> tuple[str, str]:
    name, sign, column = word.partition("=")
    if not (name and sign and column):
        raise InputError(Problem("--map", word, "names no column", "Use e.g. --map train/loss=my_loss."))
    return name, column
