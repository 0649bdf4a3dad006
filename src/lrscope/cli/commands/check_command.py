"""Say whether what was trained last, or the runs that are named, trains worse than a baseline: for CI.

Both are taken over their seeds: a sweep stands for its best setting, a member of one for its own setting, runs that are
in no sweep are the seeds of one. Worse is what crashed, what surely fails for more seeds, and what has a higher loss by
the whole of a 99% interval. The exit code is then 3.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.cli.json_alone import answered
from lrscope.core.answer import Answer
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.report.analysis.regression import Judged
    from lrscope.report.check_stored import Checked

WORSE = 3


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 3 where it is worse; 2 where a run is not there, has not ended, or the baseline has too few seeds."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument(
        "candidates",
        nargs="*",
        metavar="CANDIDATE",
        help="run ids or their beginnings; default: what was started last",
    )
    parser.add_argument(
        "--baseline",
        required=True,
        metavar="RUN|SWEEP|NAME@ALIAS",
        help="held against this; three seeds at least",
    )
    parser.add_argument(
        "--tolerance",
        metavar="SHARE",
        help="share of the baseline's loss that may be lost: 0.05; by default what counts as equal, 1%% of it",
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--json", action="store_true", help="print JSON alone, see docs/package.md")
    arguments = parser.parse_args(words)
    if arguments.json:
        return answered(Answer("check"), lambda: _answer(_checked(arguments)))
    found = _checked(arguments)
    print(f"{_in_a_word(found.judged)}: {found.judged.why}")
    print(f"candidate {found.candidate.setting}; baseline {found.baseline.setting}")
    return _code(found)


def _in_a_word(judged: Judged) -> str:
    """Where the means differ by more than is allowed, and the interval by less, the seeds cannot tell."""
    if judged.worse:
        return "worse"
    open_still = judged.difference is not None and judged.difference.mean > judged.allowed
    return "not shown to be worse (the seeds differ too much to tell)" if open_still else "no worse"


def _checked(arguments: argparse.Namespace) -> Checked:
    tolerance = _share(arguments.tolerance)
    from lrscope.report.check_stored import check_stored

    return check_stored(arguments.baseline, arguments.candidates, arguments.uri, tolerance)


def _share(word: str | None) -> float | None:
    """Raises:
    InputError: it is no number from 0 on.
    """
    if word is None:
        return None
    try:
        share = float(word)
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise InputError(Problem("--tolerance", word, "must be a share from 0 on", "Use e.g. --tolerance 0.05 for 5%."))
    return share


def _code(found: Checked) -> int:
    return WORSE if found.judged.worse else 0


def _answer(found: Checked) -> Answer:
    from lrscope.report.stored_answers import check_answer

    return Answer("check", _code(found), check=check_answer(found))
