"""``python -m lrscope.cli`` is ``python train.py``."""

import sys

from lrscope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
