"""What is seen of a run, and of the same run trained on, before anything is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from corpus_parts.cases import Case
from corpus_parts.training import Run
from lrscope.measures import output_spread
from lrscope.trace import Trace

LOOKS = 16
"""Evaluations in the last tenth of a run and in what it is continued by."""
EARLIER_LOOKS = 16
"""Evaluations in the fifth of the run before its last tenth."""

Losses = tuple[float, ...]


@dataclass(frozen=True)
class Observation:
    """Everything that the rules need of one run, all at fixed weights over the whole training part."""

    first: float
    """L₀."""
    earlier: Losses
    """Training losses from 70% to 90% of the run."""
    last: Losses
    """Training losses in the last 10% of the run."""
    again: Losses
    """At the end of as many steps again; empty where the run is not finite."""
    same: Losses
    """During 10% more steps at the last rate."""
    lower: Losses
    """During 10% more steps at a tenth of it."""
    constant: float
    """C."""
    spread_first: float
    spread_end: float
    accuracy: float
    largest_share: float
    rates: Losses
    schedule: str
    validation: Losses
    """Validation loss at the end of each epoch."""
    training: Losses
    """Training loss at the end of each epoch."""

    @property
    def finite(self) -> bool:
        """Whether the run itself stayed finite, to its last batch."""
        return bool(self.again)


def observe(case: Case) -> tuple[Trace, Observation]:
    """Trains the case and looks at it; a run that is not finite is not continued."""
    run = Run(case)
    first, spread_first = run.train_loss(), float(output_spread(run.outputs()))
    trace, earlier, last = run.train(EARLIER_LOOKS, LOOKS)
    rates, outputs = run.rate.used, run.outputs()
    last_rate = next((r for r in reversed(rates) if r > 0), 0.0)
    ten = math.ceil(len(rates) / 10)
    again: Losses = ()
    same: Losses = ()
    lower: Losses = ()
    if run.finite and all(math.isfinite(loss) for loss in last):
        again = run.clone().go_on(rates, LOOKS)
        same = run.clone().go_on([last_rate] * ten, LOOKS)
        lower = run.clone().go_on([last_rate / 10] * ten, LOOKS)
    accuracy = float((outputs.argmax(1) == run.data.targets).float().mean()) if run.data.classes else math.nan
    return trace, Observation(
        first, earlier, last, again, same, lower, run.data.constant_loss, spread_first, float(output_spread(outputs)),
        accuracy, max(run.data.shares, default=math.nan), tuple(rates), run.rate.name,
        tuple(trace.get("val/loss").values.tolist()), tuple(trace.get("train/loss_eval").values.tolist()),
    )  # fmt: skip
