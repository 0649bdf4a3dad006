"""Where the real SIGNS files lie on this machine, if anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = [os.environ.get("LRSCOPE_SIGNS"), ROOT / "data/signs", ROOT.parent / "shared/data/signs"]
FOLDER = next((str(place) for place in PLACES if place and (Path(place) / "train_signs.h5").is_file()), None)

needs_signs = [
    pytest.mark.signs,
    pytest.mark.skipif(FOLDER is None, reason="the SIGNS files are neither in $LRSCOPE_SIGNS nor in data/signs"),
]
