"""How often the verdict is right, on real short trainings whose true verdict is known.

    python benchmarks/corpus.py make            trains the corpus (two halves) into outputs/corpus; goes on where cut
    python benchmarks/corpus.py report          the confusion matrix of the half that no threshold was set on
    python benchmarks/corpus.py sentences       what the notes say that the curves do not, and what is at odds in a note
    python benchmarks/corpus.py make --fresh    the same on data, networks and seeds that came after all tuning
    python benchmarks/corpus.py report --fresh
    python benchmarks/corpus.py make --kinds    the same of other kinds: regressions, one logit, rare classes,
                                                sequences, BatchNorm, heads on a frozen body; nothing was tuned on them
    python benchmarks/corpus.py report --kinds

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
from corpus_parts.completed import completed
from corpus_parts.kinds import draw_kinds
from corpus_parts.observation import Observation, observe
from corpus_parts.scoring import Labelled, labelled, report, sentences, without_copies

from lrscope.core.trace import Trace

FOLDER = Path(__file__).resolve().parents[1] / "outputs" / "corpus"
SIZES = {False: (60, 6, 20), True: (30, 6, 7_000)}
"""Sweeps, rates per sweep and seed of the corpus, and of the fresh set."""
KINDS_SIZE = (6, 6, 16_000)
"""Sweeps of each kind, rates per sweep and seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "report", "sentences"])
    parser.add_argument("--fresh", action="store_true", help="data, networks and seeds that came after all tuning")
    parser.add_argument("--kinds", action="store_true", help="trainings of other kinds")
    parser.add_argument("--half", choices=["tune", "report"], default="report", help="of the corpus (default: report)")
    parser.add_argument("--seed", type=int, default=None, help="another draw of the fresh set")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--no-copies", action="store_true", help="judge without what copies of the runs did")
    parser.add_argument("--wrong", action="store_true", help="list the runs whose verdict is not the label")
    chosen = parser.parse_args()
    name = "kinds" if chosen.kinds else "fresh" if chosen.fresh else "corpus"
    kept = FOLDER / f"{name}{chosen.seed or ''}"
    if chosen.command == "make":
        make(kept, cases_of(chosen.kinds, chosen.fresh, chosen.seed), chosen.processes)
    elif chosen.command == "sentences":
        print(sentences(load(kept)))
    else:
        runs = load(kept)
        runs = [without_copies(r) for r in runs] if chosen.no_copies else runs
        print(report([r for r in runs if chosen.fresh or chosen.kinds or r.case.half == chosen.half], chosen.wrong))


def cases_of(kinds: bool, fresh: bool, seed: int | None) -> list[Case]:
    """Those of the corpus, of a fresh draw or of the kinds; ``seed`` None is the usual one."""
    sweeps, rates, usual = KINDS_SIZE if kinds else SIZES[fresh]
    seed = usual if seed is None else seed
    return draw_kinds(sweeps, rates, seed) if kinds else draw(sweeps, rates, seed, fresh)


def make(kept: Path, cases: list[Case], processes: int) -> None:
    """Trains every case that is not kept yet, each into a file of its own with its trace and facts."""
    start = time.perf_counter()
    kept.mkdir(parents=True, exist_ok=True)
    wanted = [(case, kept / f"{number:04d}.pickle") for number, case in enumerate(cases)]
    missing = [(case, file) for case, file in wanted if not file.exists()]
    with multiprocessing.get_context("spawn").Pool(processes, initializer=_one_thread) as pool:
        for done, _ in enumerate(pool.imap_unordered(keep_case, missing), 1):
            print(f"\r{len(cases) - len(missing) + done} of {len(cases)}", end="", flush=True)
    print(f"\r{len(missing)} runs in {time.perf_counter() - start:.0f} s on {processes} processes: {kept}")


def keep_case(work: tuple[Case, Path]) -> None:
    """Train one case, label it, and keep it whole or not at all."""
    case, file = work
    made = file.with_suffix(".part")
    made.write_bytes(pickle.dumps((case, observe(case))))
    made.replace(file)


def load(kept: Path) -> list[Labelled]:
    """The kept runs with their labels; the best of a sweep is known only when all of it is there."""
    files = sorted(kept.glob("*.pickle"))
    if not files:
        raise SystemExit(f"{kept} holds no runs: run `make` first")
    runs: list[tuple[Case, tuple[Trace, Observation]]] = [pickle.loads(file.read_bytes()) for file in files]
    return labelled([(case, (completed(case, trace, seen), seen)) for case, (trace, seen) in runs])


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")


if __name__ == "__main__":
    main()
