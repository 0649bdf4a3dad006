"""Register the model of a sweep's recommended member, or of a run, under a name: it becomes the name's champion.

Refused, with one line: a run that failed by its verdict, that left no model, or that is worse than today's champion by
more than noise.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.core.command_words import script


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 2 where nothing was registered."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("run", metavar="SWEEP|RUN", help="id of a sweep, a member or a run, or its beginning")
    parser.add_argument("name", metavar="NAME", help="name in MLflow's registry; it is made where missing")
    parser.add_argument(
        "--force", action="store_true", help="a failed run, or one worse than the champion, all the same"
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    arguments = parser.parse_args(words)
    from lrscope.lifecycle.register import register

    done = register(arguments.run, arguments.name, arguments.uri, arguments.force)
    member, version = done.candidate.member, done.version
    print(f"{done.name} version {version.number} is the champion: {member.name} (run {member.run_id})")
    print(f"{member.outcome}, {done.candidate.score or 'nothing measured'}")
    if done.before is not None:
        print(f"previous: version {done.before.number}")
    for aside in (done.overruled and f"forced, although it {done.overruled}", done.caution and f"note: {done.caution}"):
        if aside:
            print(aside, file=sys.stderr)
    print(f"answer requests with it: {script('serve')} {shlex.quote(done.name)}")
    return 0
