"""Runs at the start of every process of `benchmarks/hacks.py`: a trick that is switched off is off in all of them."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from hacks import switch_off

switch_off(os.environ.get("BENCHMARK_WITHOUT", ""))
