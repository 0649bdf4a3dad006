"""Go on with what was interrupted last, a sweep or a run (or with the one whose id is given), by its own command.

What a store says is not believed blindly: see docs/trust.md. Words with "=" are added to the command, and go before
those that the store has of the same key: dataset.path=/data/signs.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser, config_search
from lrscope.cli.tell import print_aside
from lrscope.core.command_words import train_command
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import StoredRun


def main(words: Sequence[str], prog: str | None) -> int:
    """The exit code of the command; 0 where nothing was interrupted, 2 where there is no such sweep or run."""
    parser = CommandParser(prog=prog, description=__doc__)
    what = "id as printed, by default what was interrupted last, here; and KEY=VALUE …"
    parser.add_argument("given", nargs="*", metavar="ID", help=what)
    parser.add_argument("--experiment", help="look for the latest in this experiment only")
    parser.add_argument("--uri", "--store", dest="store", help="the tracking store; default: the project's own")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    parser.add_config_search()
    arguments = parser.parse_args(words)
    from lrscope.config.trust import about_recording, command_again
    from lrscope.core.paths import find_the_users_modules, resolve
    from lrscope.core.redact import holds_a_password
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.typed_here import typed_here

    typed = [word for word in arguments.given if "=" in word or word.startswith("~")]
    wanted = next((word for word in arguments.given if word not in typed), None)
    find_the_users_modules()
    found = _found(TrackingSettings("online", arguments.store, resolve("outputs/spool")), arguments.experiment, wanted)
    if found is None:
        return 0
    mode = ["-m"] if found.kind == "sweep" else []
    if left_out := about_recording(found.overrides):
        print_aside(f"left out of the stored command, as it is about recording: {shlex.join(left_out)}")
    stored = [word for word in found.overrides if word not in left_out]
    typed = [*config_search(arguments), *typed]
    own = typed_here(resolve("outputs/spool"), found.local_id)
    command = [*mode, *command_again(stored, typed, arguments.trust, own), f"resume={found.run_id}"]
    if arguments.store is not None and holds_a_password(arguments.store):
        os.environ["MLFLOW_TRACKING_URI"] = arguments.store  # everybody on this machine can read a command line
    elif arguments.store is not None:
        command.append(f"tracking.uri={arguments.store}")
    print(train_command(), shlex.join(command), flush=True)
    # In place of this process: Ctrl-C and the exit code are that command's.
    return os.execv(sys.executable, [sys.executable, "-m", "lrscope.cli", *command])


def _found(settings: TrackingSettings, experiment: str | None, wanted: str | None) -> StoredRun | None:
    """What to go on with, once it is told; None where there is nothing.

    Raises:
        InputError: there is no such sweep or run, or nobody knows its command.
    """
    from lrscope.core.stored_command import stored_command
    from lrscope.tracking.find import LATEST, find_interrupted, find_to_resume
    from lrscope.tracking.liveness.reap import reap

    if wanted in (None, LATEST):
        for words in reap(settings).gone:
            print_aside(words)
        found = find_interrupted(settings, experiment)
        if found is None:
            print("Nothing that was begun from this checkout has been interrupted. Others go on by their id.")
            return None
        print(f"interrupted last: {'sweep' if found.kind == 'sweep' else 'run'} {found.run_id}, {found.name}")
    else:
        found = find_to_resume(settings, wanted)
    if stored_command(found.tags) is None:
        remedy = f"Type it, with resume={found.run_id} at its end."
        rule = "its command is not stored, or not all of it: it is of an older version"
        raise InputError(Problem("resume", found.run_id, rule, remedy))
    return found
