"""The history of a run as arrays: what diagnosis reads, wherever the run was trained or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrscope.core.failpoint import failpoint
from lrscope.core.run_facts import RunFacts


@dataclass(frozen=True)
class Series:
    """One metric over time: ``steps`` int64 [n], ascending; ``values`` float64 [n]. Step 0 is the first update."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Trace:
    """Every curve of one run by metric name (``train/loss``, ``lr``, ``grad_norm`` …), and its facts."""

    series: Mapping[str, Series]
    facts: RunFacts = field(default_factory=RunFacts)

    def save(self, path: Path) -> None:
        """Write every curve to one compressed file (numpy's ``.npz``) and the facts into it."""
        arrays: dict[str, Any] = {"facts": np.array(self.facts.to_json())}
        for name, series in self.series.items():
            arrays[f"steps:{name}"], arrays[f"values:{name}"] = series.steps, series.values
        with failpoint("trace"), path.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what ``save`` wrote; nothing is unpickled."""
        with np.load(path, allow_pickle=False) as stored:
            names = [key.removeprefix("steps:") for key in stored.files if key.startswith("steps:")]
            series = {name: Series(stored[f"steps:{name}"], stored[f"values:{name}"]) for name in names}
            return cls(series, RunFacts.from_json(str(stored["facts"])))

    def get(self, name: str) -> Series:
        """The curve of that name; an empty one where it was not recorded."""
        return self.series.get(name, EMPTY)


EMPTY = Series(np.empty(0, np.int64), np.empty(0, np.float64))
