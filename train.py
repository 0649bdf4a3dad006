"""The one command: ``python train.py`` trains a run, ``python train.py -m lr=1,0.01,0.0001`` a sweep."""

import sys
from importlib.util import find_spec

if __name__ == "__main__":
    if find_spec("lrscope") is None:
        sys.exit("error: this Python has no lrscope. Run `make setup` once, then `source .venv/bin/activate` here.")
    from lrscope.cli.main import main

    sys.exit(main())
