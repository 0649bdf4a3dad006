"""Go on with the latest sweep (or the one whose id is given) with the command that started it.

What a store says is not believed blindly: see docs/trust.md. Words with "=" are added to the command, and go before
those that the store has of the same key: resume.py dataset.path=/data/signs.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys

from lrscope.core.errors import LrscopeError
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.redact import keep_secrets_out_of_tracebacks
from lrscope.core.std_streams import spare_the_command


def main() -> int:
    spare_the_command()
    keep_what_can_be_shown()
    keep_secrets_out_of_tracebacks()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="SWEEP", help="id as printed; default: the latest; and KEY=VALUE …")
    parser.add_argument("--experiment", help="look for the latest in this experiment only")
    parser.add_argument("--store", help="tracking URI; default: the project's own store")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    arguments = parser.parse_args()
    from lrscope.config.trust import command_again
    from lrscope.core.paths import checkout, resolve
    from lrscope.core.redact import holds_a_password
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import LATEST, find_sweep

    typed = [word for word in arguments.words if "=" in word or word.startswith("~")]
    wanted = next((word for word in arguments.words if word not in typed), LATEST)
    sys.path.insert(0, str(checkout()))  # where train.py finds the user's own modules
    try:
        settings = TrackingSettings("online", arguments.store, resolve("outputs/spool"))
        stored = find_sweep(settings, arguments.experiment, wanted)
        words = command_again(stored.overrides, typed, arguments.trust)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    words = ["-m", *words, f"resume={stored.parent.run_id}"]
    environment = dict(os.environ)
    if arguments.store is not None and holds_a_password(arguments.store):
        environment["MLFLOW_TRACKING_URI"] = arguments.store  # everybody on this machine can read a command line
    elif arguments.store is not None:
        words.append(f"tracking.uri={arguments.store}")
    print(shlex.join(["python", "train.py", *words]), flush=True)
    return subprocess.run([sys.executable, checkout() / "train.py", *words], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
