"""The same as ``lrscope reap``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("reap", sys.argv[1:]))
