"""Go on with what was interrupted last, a sweep or a run (or with the one whose id is given), by its own command.

A store is not believed blindly, see docs/trust.md. KEY=VALUE is added to the command, and goes before what the store
has of that key.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrscope.cli.tell import print_aside
from lrscope.core.command_words import train_command
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import StoredRun


def main(words: Sequence[str], prog: str | None) -> int:
    """The exit code of the command; 0 where nothing was interrupted, 2 where there is no such sweep or run."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("words", nargs="*", metavar="ID", help="default: what was interrupted last, here; KEY=VALUE …")
    parser.add_argument("--experiment", help="look for the latest in this experiment only")
    parser.add_argument("--store", help="tracking URI; default: the project's own store")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    arguments = parser.parse_args(words)
    arguments.typed = [word for word in arguments.words if "=" in word or word.startswith("~")]
    arguments.run = next((word for word in arguments.words if word not in arguments.typed), None)
    from lrscope.config.trust import command_again
    from lrscope.core.paths import checkout, resolve
    from lrscope.core.redact import holds_a_password
    from lrscope.tracking import TrackingSettings

    found = _found(TrackingSettings("online", arguments.store, resolve("outputs/spool")), arguments)
    if found is None:
        return 0
    sys.path.insert(0, str(checkout()))  # where the command will find the user's own modules
    believed = command_again(found.overrides, arguments.typed, arguments.trust)
    mode = ["-m"] if found.kind == "sweep" else []
    command = [*mode, *believed, f"resume={found.run_id}"]
    if arguments.store is not None and holds_a_password(arguments.store):
        os.environ["MLFLOW_TRACKING_URI"] = arguments.store  # everybody on this machine can read a command line
    elif arguments.store is not None:
        command.append(f"tracking.uri={arguments.store}")
    print(train_command(), shlex.join(command), flush=True)
    # In place of this process: Ctrl-C and the exit code are that command's.
    return os.execv(sys.executable, [sys.executable, "-m", "lrscope.cli", *command])


def _found(settings: TrackingSettings, arguments: argparse.Namespace) -> StoredRun | None:
    """What to go on with, once it is told; None where there is nothing.

    Raises:
        InputError: there is no such sweep or run, or nobody knows its command.
    """
    from lrscope.tracking.find import LATEST, find_interrupted, find_to_resume
    from lrscope.tracking.liveness.reap import reap

    if arguments.run in (None, LATEST):
        for words in reap(settings).gone:
            print_aside(words)
        found = find_interrupted(settings, arguments.experiment)
        if found is None:
            print("Nothing that was begun from this checkout has been interrupted. Others go on by their id.")
            return None
        print(f"interrupted last: {'sweep' if found.kind == 'sweep' else 'run'} {found.run_id}, {found.name}")
    else:
        found = find_to_resume(settings, arguments.run)
    if found.kind == "run" and "lrscope.overrides" not in found.tags:
        remedy = f"Type it, with resume={found.run_id} at its end."
        raise InputError(
            Problem("resume", found.run_id, "its command is not stored: it is of an older version", remedy)
        )
    return found
