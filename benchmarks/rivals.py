"""lrscope beside other tools that read a training's curves, on runs whose true verdict is known.

    python benchmarks/rivals.py                      the corpus' reporting half; hours the first time
    python benchmarks/rivals.py --cases 60           at most so many more are trained; goes on where it was cut off
    python benchmarks/rivals.py --draws              fresh draws instead (--draws 5101 5202: of these seeds)
    python benchmarks/rivals.py --draws --wrong      and which runs ``lrscope.watch`` and the file are wrong about

A sweep is counted once all of it is kept (``corpus.py make`` keeps the half's too). Each tool sees what
``rivals_parts/shown_files.py`` writes: step, loss, rate, gradient norm, validation loss. lrscope has one row for that
file alone, one for ``lrscope.watch`` in the loop, and on the half two for its own runs, with copies: alone, and beside
their sweep. The others are installed into an environment of their own, ``outputs/rivals/venv``; ``--python`` names
another, ``--only-lrscope`` leaves them out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from corpus import FOLDER, SIZES, keep_case, load
from corpus_parts.cases import Case, draw
from corpus_parts.scoring import HEALTHY, Labelled, verdicts
from rivals_parts.kept_runs import keep_missing, labels, name_of, traces_watched
from rivals_parts.shown_files import write_shown

from lrscope.core.verdict import Diagnosis, Verdict
from lrscope.diagnosis import diagnose
from lrscope.report.analysis.wilson import wilson_interval
from lrscope.report.diagnose_files import diagnose_files

PLACE = FOLDER.parent / "rivals"
DRAWS = (5101, 5202, 5303, 5404, 5505)
"""Seeds of fresh draws that no bound was set on."""
DRAWN = (30, 6)
"""Sweeps of a draw, and rates of a sweep."""
WATCHED, FILE = "`lrscope.watch` in the loop", "`lrscope diagnose` on the file"
PACKAGES = ("gradsnitch==0.1.0", "runmedic==0.1.1", "trainproof==0.22.0")


@dataclass(frozen=True)
class Tally:
    """Of the failed runs how many a tool calls failed, and of the healthy ones."""

    caught: int
    failed: int
    false: int
    healthy: int

    def row(self, name: str) -> str:
        return f"| {name} | {_share(self.caught, self.failed)} | {_share(self.false, self.healthy)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=None, help="train at most so many that are not kept yet")
    parser.add_argument("--draws", type=int, nargs="*", help=f"seeds of fresh draws (default: {DRAWS})")
    parser.add_argument("--python", type=Path, help="of an environment that has the others")
    parser.add_argument("--only-lrscope", action="store_true", help="leave the others out")
    parser.add_argument("--wrong", action="store_true", help="list failed runs that lrscope misses, and false alarms")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    runs, where = fresh(given.draws or DRAWS, given.cases) if given.draws is not None else half(given.cases)
    found = _diagnoses(runs, copies=given.draws is None)
    said = {name: [one.verdict.failed for one in each] for name, each in found.items()}
    if not given.only_lrscope:
        said |= ask(runs, given.python or environment())
    print(f"{len(runs)} runs of {len({run.case.sweep for run in runs})} sweeps of {where}.\n")
    print("| tool | failed runs called failed | healthy runs called failed |\n|---|---|---|")
    for name, called in said.items():
        print(tally(runs, called).row(name))
    if given.wrong:
        _list_wrong(runs, found)


def half(most: int | None) -> tuple[list[Labelled], str]:
    """The reporting half, as far as it is kept, and what it is called."""
    kept = FOLDER / "corpus"
    train_missing(kept, most)
    return whole_sweeps(load(kept)), "the reporting half"


def fresh(seeds: Iterable[int], most: int | None) -> tuple[list[Labelled], str]:
    """The draws of these seeds, as far as they are kept, and what they are called."""
    cases: dict[Path, Case] = {}
    for seed in seeds:
        cases |= {PLACE / f"draw{seed}" / f"{n:04d}.pickle": case for n, case in enumerate(draw(*DRAWN, seed, True))}
    keep_missing(cases, most)
    return labels(cases), f"the fresh draws {', '.join(map(str, seeds))}"


def reporting() -> dict[int, Case]:
    """The cases of the half by their numbers in the corpus, sweep by sweep."""
    return {number: case for number, case in enumerate(draw(*SIZES[False])) if case.half == "report"}


def train_missing(kept: Path, most: int | None) -> None:
    """Train what is not kept, case by case: whoever cuts it off loses one at most."""
    kept.mkdir(parents=True, exist_ok=True)
    missing = [(case, file) for n, case in reporting().items() if not (file := kept / f"{n:04d}.pickle").exists()]
    for done, (case, file) in enumerate(missing[:most], 1):
        keep_case((case, file))
        print(f"\r{done} of {len(missing[:most])}, {case.sweep}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def whole_sweeps(runs: Iterable[Labelled]) -> list[Labelled]:
    """Those of the half whose sweep is kept whole: a label depends on the best of its sweep."""
    size: dict[str, int] = defaultdict(int)
    for case in reporting().values():
        size[case.sweep] += 1
    found: dict[str, list[Labelled]] = defaultdict(list)
    for run in runs:
        if run.case.half == "report":
            found[run.case.sweep].append(run)
    return [run for sweep, members in found.items() if len(members) == size[sweep] for run in members]


def _diagnoses(runs: list[Labelled], copies: bool) -> dict[str, list[Diagnosis]]:
    """What lrscope says of each run, by what it was shown."""
    own = {
        "lrscope, its own run, beside its sweep": verdicts(runs, True),
        "lrscope, its own run, alone": verdicts(runs, False),
    }
    return (own if copies else {}) | {
        WATCHED: [diagnose(trace) for trace in traces_watched([run.case for run in runs], PLACE / "watched")],
        FILE: [diagnose_files(file)[0].diagnosis for file in _files(runs)],
    }


def _list_wrong(runs: list[Labelled], found: Mapping[str, list[Diagnosis]]) -> None:
    for name, diagnoses in found.items():
        print(f"\n{name}:")
        for run, said in zip(runs, diagnoses, strict=True):
            truth = run.truth
            known = Verdict.from_label(truth.label).failed or truth.label in HEALTHY
            if known and Verdict.from_label(truth.label).failed != said.verdict.failed:
                border = " (borderline)" if truth.borderline else ""
                print(f"- {run.case.sweep} lr={run.case.lr:g}: {truth.label}{border}, called {said.verdict.label}:"
                      f" {said.primary.why}")  # fmt: skip


def _files(runs: list[Labelled]) -> Iterator[Path]:
    (PLACE / "shown").mkdir(parents=True, exist_ok=True)
    for run in runs:
        file = PLACE / "shown" / f"{name_of(run.case)}.csv"
        write_shown(run.trace, file)
        yield file


def environment() -> Path:
    """The Python that has the others, made where it is missing."""
    python = PLACE / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", *PACKAGES], check=True)
    return python


def ask(runs: list[Labelled], python: Path) -> dict[str, list[bool]]:
    """Whether each tool calls each run failed; one that breaks on a file has not called it so, and that is told."""
    files = list(map(str, _files(runs)))
    script = Path(__file__).parent / "rivals_parts" / "ask_rivals.py"
    done = subprocess.run([str(python), str(script), *files], check=True, capture_output=True, text=True)
    answers: Mapping[str, Mapping[str, bool | str]] = json.loads(done.stdout)
    for tool, by_file in answers.items():
        if broken := [words for words in by_file.values() if isinstance(words, str)]:
            print(f"{tool} broke on {len(broken)} files: {broken[0]}", file=sys.stderr)
    return {tool: [by_file[file] is True for file in files] for tool, by_file in answers.items()}


def tally(runs: list[Labelled], called: list[bool]) -> Tally:
    pairs = [(run.truth.label, one) for run, one in zip(runs, called, strict=True)]
    failed = [one for label, one in pairs if Verdict.from_label(label).failed]
    healthy = [one for label, one in pairs if label in HEALTHY]
    return Tally(sum(failed), len(failed), sum(healthy), len(healthy))


def _share(count: int, total: int) -> str:
    low, high = wilson_interval(count, total)
    return f"{count} of {total} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
