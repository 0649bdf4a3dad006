"""The long campaign of poisoned stores and journals, see docs/trust.md; says what was wrong with how one was taken.

python benchmarks/poisoned.py [--stores 500] [--journals 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import empty_store
from torture.poisoned import Place, PoisonedJournals, PoisonedStore, recorded

FIGURES_EVERY = 10
"""Drawing costs more than all the rest."""


def main() -> int:
    """0 where nothing was run, nothing written outside, and nothing raised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=500)
    parser.add_argument("--journals", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="poisoned-"))
    place = Place(folder / "place")
    place.make()
    os.environ["LRSCOPE_ROOT"] = str(place.project)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    shutil.copy(empty_store(), place.project / "mlflow.db")
    store = PoisonedStore(place, arguments.seed)
    found = []
    for number in range(arguments.stores):
        if words := store.case(number, figures=number % FIGURES_EVERY == 0):
            print(words, file=sys.stderr, flush=True)
            found.append(words)
    store.poison(-1)
    journals = PoisonedJournals(place, recorded(folder / "good"), arguments.seed)
    if arguments.journals and (words := journals.deliver(arguments.journals)):
        print(f"journals: {words}", file=sys.stderr)
        found.append(words)
    minutes = (time.monotonic() - began) / 60
    print(f"{arguments.stores} stores, {arguments.journals} journals, seed {arguments.seed}: {len(found)} taken badly, "
          f"{minutes:.0f} minutes")  # fmt: skip
    shutil.rmtree(folder)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
