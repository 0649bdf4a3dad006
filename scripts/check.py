"""The same as ``lrscope check``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("check", sys.argv[1:]))
