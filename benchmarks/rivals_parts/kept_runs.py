"""Runs that are trained once and kept: whoever cuts a campaign off loses one of them at most."""

from __future__ import annotations

import pickle
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from corpus_parts.cases import Case
from corpus_parts.observation import Observation, observe
from corpus_parts.scoring import Labelled, labelled

from lrscope.core.trace import Trace
from rivals_parts.watched_case import watched

OTHER = (1,)
"""The order of the data that makes the label that counts: another than the run's own. A label of one order costs 1.2
trainings, three cost 3.6."""

Kept = tuple[Case, tuple[Trace, Observation]]


def keep_missing(cases: Mapping[Path, Case], most: int | None = None) -> int:
    """Train and label what no file has yet, at most so many; how many were trained."""
    missing = [(file, case) for file, case in cases.items() if not file.exists()][:most]
    for done, (file, case) in enumerate(missing, 1):
        _keep(file, (case, observe(case, OTHER, copies=False)))
        print(f"\r{done} of {len(missing)}, {case.sweep}", end="", file=sys.stderr, flush=True)
    return len(missing)


def labels(cases: Mapping[Path, Case]) -> list[Labelled]:
    """The runs of the sweeps that are kept whole: a label depends on the best of its sweep."""
    size: dict[str, int] = defaultdict(int)
    found: dict[str, list[Kept]] = defaultdict(list)
    for file, case in cases.items():
        size[case.sweep] += 1
        if file.exists():
            found[case.sweep].append(pickle.loads(file.read_bytes()))
    return labelled([run for sweep, members in found.items() if len(members) == size[sweep] for run in members])


def traces_watched(cases: Iterable[Case], folder: Path) -> list[Trace]:
    """What ``lrscope.watch`` sees of each case; of those that are kept as it saw it then."""
    found: list[Trace] = []
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        file = folder / f"{name_of(case)}.pickle"
        if not file.exists():
            _keep(file, watched(case))
            print(f"\rwatched {file.stem}", end="", file=sys.stderr, flush=True)
        found.append(pickle.loads(file.read_bytes()))
    return found


def name_of(case: Case) -> str:
    """The name of a case's files."""
    return f"{case.sweep}-{case.lr:g}-{case.seed}"


def _keep(file: Path, what: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_suffix(".part")
    made.write_bytes(pickle.dumps(what))
    made.replace(file)
