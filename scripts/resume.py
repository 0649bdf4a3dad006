"""Go on with the latest sweep (or the one whose id is given) with the command that started it."""

from __future__ import annotations

import argparse
import subprocess
import sys

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command


def main() -> int:
    spare_the_command()
    keep_what_can_be_shown()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", nargs="?", default="latest", help="id as printed; default: the latest")
    parser.add_argument("--experiment", help="look for the latest in this experiment only")
    parser.add_argument("--store", help="tracking URI; default: the project's own store")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    arguments = parser.parse_args()
    from lrscope.config.trust import check_stored_overrides
    from lrscope.core.paths import checkout, resolve
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import find_sweep

    settings = TrackingSettings("online", arguments.store, resolve("outputs/spool"))
    try:
        stored = find_sweep(settings, arguments.experiment, arguments.sweep)
        check_stored_overrides(stored.overrides, arguments.trust)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    command = [sys.executable, str(checkout() / "train.py"), "-m", *stored.overrides]
    command.append(f"resume={stored.parent.run_id}")
    if arguments.store is not None:
        command.append(f"tracking.uri={arguments.store}")
    print(" ".join(["python train.py", *command[2:]]), flush=True)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
