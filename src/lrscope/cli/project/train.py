"""The same as ``lrscope train``, for those who prefer a file: ``python train.py -m lr=1,0.1,0.01``."""

import os
import sys
from pathlib import Path

from lrscope.cli.main import main

if __name__ == "__main__":
    os.environ.setdefault("LRSCOPE_ROOT", str(Path(__file__).resolve().parent))
    sys.exit(main())
