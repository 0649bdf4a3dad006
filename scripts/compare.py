"""The same as ``lrscope compare``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("compare", sys.argv[1:]))
