"""The same as ``lrscope ui``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("ui", sys.argv[1:]))
