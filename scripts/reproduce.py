"""The same as ``lrscope reproduce``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("reproduce", sys.argv[1:]))
