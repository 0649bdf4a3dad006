"""The same as ``lrscope clean``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("clean", sys.argv[1:]))
