"""What every detector is: the numbers of a run -> a finding, or none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis.signals.run_signals import RunSignals


class Detector(ABC):
    """Looks for one verdict. Its bounds are its fields, each explained in its docstring."""

    verdict: ClassVar[Verdict]

    @abstractmethod
    def find(self, signals: RunSignals) -> Finding | None:
        """What speaks for the verdict in a run that has ended; None where it does not fit."""

    def find_early(self, signals: RunSignals) -> Finding | None:
        """The same of a run that still trains, where more training will not change it. Asked only of verdicts that
        can be certain so early."""
        finding = self.find(signals)
        return finding if finding is not None and finding.certainty == "strong" else None
