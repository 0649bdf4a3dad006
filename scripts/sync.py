"""The same as ``lrscope sync``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("sync", sys.argv[1:]))
