"""The same as ``lrscope register``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("register", sys.argv[1:]))
