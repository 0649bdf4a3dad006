"""Go on with the latest sweep (or the one whose id is given) with the command that started it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from lrscope.core.command_words import train_command


def main(words: Sequence[str], prog: str | None) -> int:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("sweep", nargs="?", default="latest", help="id as printed; default: the latest")
    parser.add_argument("--experiment", help="look for the latest in this experiment only")
    parser.add_argument("--store", help="tracking URI; default: the project's own store")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    arguments = parser.parse_args(words)
    from lrscope.config.trust import check_stored_overrides
    from lrscope.core.paths import resolve
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import find_sweep

    settings = TrackingSettings("online", arguments.store, resolve("outputs/spool"))
    stored = find_sweep(settings, arguments.experiment, arguments.sweep)
    check_stored_overrides(stored.overrides, arguments.trust)
    command = [sys.executable, "-m", "lrscope.cli", "-m", *stored.overrides]
    command.append(f"resume={stored.parent.run_id}")
    if arguments.store is not None:
        command.append(f"tracking.uri={arguments.store}")
    print(" ".join([train_command(), *command[3:]]), flush=True)
    return subprocess.run(command, check=False).returncode
