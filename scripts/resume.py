"""The same as ``lrscope resume``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("resume", sys.argv[1:]))
