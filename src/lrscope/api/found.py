"""What ``lrscope.find`` gives back."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrscope.api.results import Run
from lrscope.core.found_rate import FoundRate


@dataclass(frozen=True)
class Find:
    """The rate for the planned number of updates.

    lr: None where it cannot be told; ``found.why_not`` says why. low, high: where the best rate lies with a
    probability of 80%. found: all that is known, as ``find/find.json`` of the run has it. run_id: of the find, in
    MLflow.
    """

    lr: float | None
    low: float | None
    high: float | None
    found: FoundRate = field(repr=False)
    run_id: str | None = None
    trained_run_id: str | None = field(default=None, repr=False)
    store: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, found: FoundRate, run_id: str | None, trained_run_id: str | None, store: str | None) -> Find:
        """From what a command came to."""
        best = found.best
        low, high = (best.low, best.high) if best is not None else (None, None)
        return cls(found.lr, low, high, found, run_id, trained_run_id, store)

    @property
    def trained(self) -> Run | None:
        """The training at the rate, with ``find.then=train``."""
        return Run.load(self.trained_run_id, self.store) if self.trained_run_id is not None else None
