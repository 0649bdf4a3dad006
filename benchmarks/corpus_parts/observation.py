"""What is seen of a run, and of the same run trained on, before anything is judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from corpus_parts.cases import Case
from corpus_parts.training import Run, output_spread
from lrscope.core.trace import Trace

EVAL_STEPS = 16
"""Evaluations in the last tenth of a run and in what it is continued by."""
EARLIER_LOOKS = 16
"""Evaluations in the fifth of the run before its last tenth."""

ORDERS = 3
"""Orders of the data in which a run is continued: what is decided by the order is decided by chance."""

Losses = tuple[float, ...]


@dataclass(frozen=True)
class Continued:
    """Training losses of a finished run that was trained on in one order of the data, all from the same state."""

    again: Losses
    """At the end of as many steps again."""
    same: Losses
    """During 10% more steps at the last rate."""
    lower: Losses
    """During 10% more steps at a tenth of it."""


@dataclass(frozen=True)
class Observation:
    """Everything that the rules need of one run, all at fixed weights over the whole training part."""

    first: float
    """L₀."""
    earlier: Losses
    """Training losses from 70% to 90% of the run."""
    last: Losses
    """Training losses in the last 10% of the run."""
    continued: tuple[Continued, ...]
    """In the order that the run would have gone on in, and in others; empty where the run is not finite."""
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
        return bool(self.continued)


def observe(case: Case, orders: Sequence[int] = range(ORDERS), copies: bool = True) -> tuple[Trace, Observation]:
    """Trains the case and looks at it, in these orders of the data; a run that is not finite is not continued. Without
    ``copies`` the trace lacks what lrscope's own come to, which makes no label."""
    run = Run(case)
    first, spread_first = run.train_loss(), float(output_spread(run.outputs(), run.data.targets))
    trace, earlier, last = run.train(EARLIER_LOOKS, EVAL_STEPS, copies)
    rates, outputs = run.rate.used, run.outputs()
    finite = run.finite and all(math.isfinite(loss) for loss in last)
    orders = orders[:1] if run.per_epoch == 1 else orders  # a full batch has no order
    continued = tuple(_go_on(run, order) for order in orders) if finite else ()
    spread_end = float(output_spread(outputs, run.data.targets))
    accuracy = float(run.data.right(outputs, run.data.targets)) if run.data.classes else math.nan
    return trace, Observation(
        first, earlier, last, continued, run.data.constant_loss, spread_first, spread_end,
        accuracy, max(run.data.shares, default=math.nan), tuple(rates), run.rate.name,
        tuple(trace.get("val/loss").values.tolist()), tuple(trace.get("train/loss_eval").values.tolist()),
    )  # fmt: skip


def _go_on(run: Run, order: int) -> Continued:
    rates = run.rate.used
    last_rate = next((r for r in reversed(rates) if r > 0), 0.0)
    ten = math.ceil(len(rates) / 10)
    return Continued(
        run.clone(order).go_on(rates, EVAL_STEPS),
        run.clone(order).go_on([last_rate] * ten, EVAL_STEPS),
        run.clone(order).go_on([last_rate / 10] * ten, EVAL_STEPS),
    )
