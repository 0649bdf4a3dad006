"""A training that was ended because more of it would be wasted."""

from __future__ import annotations

from lrscope.core.errors import LrscopeError
from lrscope.core.verdict import Verdict


class StoppedByVerdict(LrscopeError):
    """Raised at the end of the step at which a verdict was certain that the user wants to stop at; not a mistake."""

    def __init__(self, verdict: Verdict, why: str = "") -> None:
        super().__init__(f"{verdict.label}: {why or verdict.value}")
        self.verdict = verdict
        self.why = why

    def __reduce__(self) -> tuple[type[StoppedByVerdict], tuple[Verdict, str]]:
        return type(self), (self.verdict, self.why)
