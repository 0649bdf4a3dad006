"""How often the verdict is right, on real short trainings whose true verdict is known.

    python benchmarks/corpus.py make            trains the corpus (two halves) and keeps it under outputs/corpus
    python benchmarks/corpus.py report          the confusion matrix of the half that no threshold was set on
    python benchmarks/corpus.py make --fresh    the same on data, networks and seeds that came after all tuning
    python benchmarks/corpus.py report --fresh

The rules that make a label are in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from corpus_parts.cases import Case, draw
from corpus_parts.observation import Observation, observe
from corpus_parts.scoring import Labelled, labelled, report, without_copies

from lrscope.core.trace import Trace

FOLDER = Path(__file__).resolve().parents[1] / "outputs" / "corpus"
SIZES = {False: (60, 6, 20), True: (30, 6, 7_000)}
"""Sweeps, rates per sweep and seed of the corpus, and of the fresh set."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "report"])
    parser.add_argument("--fresh", action="store_true", help="data, networks and seeds that came after all tuning")
    parser.add_argument("--half", choices=["tune", "report"], default="report", help="of the corpus (default: report)")
    parser.add_argument("--seed", type=int, default=None, help="another draw of the fresh set")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--no-copies", action="store_true", help="judge without what copies of the runs did")
    parser.add_argument("--wrong", action="store_true", help="list the runs whose verdict is not the label")
    chosen = parser.parse_args()
    name = f"fresh{chosen.seed or ''}" if chosen.fresh else "corpus"
    path = FOLDER / f"{name}.pickle"
    if chosen.command == "make":
        make(path, chosen.fresh, chosen.seed, chosen.processes)
    else:
        runs = load(path)
        runs = [without_copies(r) for r in runs] if chosen.no_copies else runs
        print(report([r for r in runs if chosen.fresh or r.case.half == chosen.half], chosen.wrong))


def make(path: Path, fresh: bool, seed: int | None, processes: int) -> None:
    """Trains every case and keeps cases, traces and facts."""
    start = time.perf_counter()
    sweeps, rates, usual = SIZES[fresh]
    cases = draw(sweeps, rates, usual if seed is None else seed, fresh)
    with multiprocessing.get_context("spawn").Pool(processes, initializer=_one_thread) as pool:
        results = pool.map(observe, cases, chunksize=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(list(zip(cases, results, strict=True))))
    print(f"{len(cases)} runs in {time.perf_counter() - start:.0f} s on {processes} processes: {path}")


def load(path: Path) -> list[Labelled]:
    """The kept runs with their labels; the best of a sweep is known only when all of it is there."""
    if not path.exists():
        raise SystemExit(f"{path} is not there: run `make` first")
    kept: list[tuple[Case, tuple[Trace, Observation]]] = pickle.loads(path.read_bytes())
    return labelled(kept)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")


if __name__ == "__main__":
    main()
