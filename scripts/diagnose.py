"""The same as ``lrscope diagnose``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("diagnose", sys.argv[1:]))
