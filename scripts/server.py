"""The same as ``lrscope server``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("server", sys.argv[1:]))
