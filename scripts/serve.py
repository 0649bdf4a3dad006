"""The same as ``lrscope serve``."""

import sys

from lrscope.cli.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("serve", sys.argv[1:]))
