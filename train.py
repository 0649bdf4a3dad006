"""The one command: ``python train.py`` trains a run, ``python train.py -m lr=1,0.01,0.0001`` a sweep."""

import sys

from lrscope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
