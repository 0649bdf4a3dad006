"""The same as ``lrscope sync``."""

import sys

from lrscope.cli.entry import run

if __name__ == "__main__":
    sys.exit(run("sync", sys.argv[1:]))
