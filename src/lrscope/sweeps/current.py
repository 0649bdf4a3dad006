"""The sweep that this process launched, and has to close."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from omegaconf import DictConfig

from lrscope.core.ledger import Ledger
from lrscope.core.outcome import Outcome
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.sweeps.plan import Plan
from lrscope.tracking import RunLog, Session


@dataclass(frozen=True)
class CurrentSweep:
    """The sweep that this process launched, and has to close."""

    config: DictConfig
    """The multirun's config: a member's without its own overrides."""
    ledger: Ledger
    plan: Plan
    """Of the jobs that are known so far."""
    settings: TrackingSettings
    session: Session
    log: RunLog
    earlier_tags: Mapping[str, str] = field(default_factory=dict)
    """Of the parent run as an earlier call left it; empty for a sweep that is not resumed."""
    began: float = field(default_factory=time.monotonic)

    def outcomes(self) -> dict[int, Outcome]:
        """What the jobs have left so far, by their numbers."""
        found = ((number, Outcome.read(place)) for number, place in self.ledger.places())
        return {number: outcome for number, outcome in found if outcome is not None}

    def have_all_ended(self, outcomes: Mapping[int, Outcome]) -> bool:
        """Whether no member is left to train, or to go on with."""
        return len(outcomes) >= len(self.plan.jobs) and all(found.status != "KILLED" for found in outcomes.values())
