"""What a constant answer reaches: the bar below which something was learned."""

from __future__ import annotations

import math

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace

ABOVE_CHANCE = 0.01
"""Accuracy above the share of the largest class from which something was learned; see benchmarks/README.md."""
BEATEN = 0.98
"""Share of a constant answer's loss, above the floor, below which a run is surely better than such an answer."""
NOTHING = 0.995
"""Share of it from which on nothing was learned; between the two it is little."""
LOSS_CONSTANT = "train/loss_constant"
"""One point: the loss of the best constant answer, of runs whose facts do not tell it;"""
VAL_LOSS_CONSTANT = "val/loss_constant"
"""and that of the same answer on the validation part."""
FAR_ABOVE = 3.0
"""A regression that starts this many times above a constant answer's loss starts far from the mean of its targets."""


def constant_loss(facts: RunFacts, recorded: float | None) -> float | None:
    """Of the best constant answer: a fact, else as it was ``recorded``, else the entropy of the class shares."""
    if facts.constant_loss is not None or recorded is not None:
        return facts.constant_loss if facts.constant_loss is not None else recorded
    shares = [share for share in facts.class_shares if share > 0]
    return -sum(share * math.log(share) for share in shares) if shares else None


def val_constant_loss(trace: Trace) -> float | None:
    """Validation loss of the constant answer that is best on the training part: a fact, else as it was recorded."""
    recorded = trace.get(VAL_LOSS_CONSTANT).values
    known = trace.facts.val_constant_loss
    return known if known is not None or not len(recorded) else float(recorded[-1])


def way_below(facts: RunFacts, first: float, end: float) -> float:
    """The fall from ``first`` to ``end``; of a regression whose targets lie far from 0 the part below the loss of a
    constant answer, for to find their mean is no part of what there is to learn. Where the run is still on its way to
    the mean, no more than all of that part.
    """
    constant = facts.constant_loss
    if facts.task != "regression" or constant is None or not first > FAR_ABOVE * constant:
        return first - end
    return constant - end if end < constant else min(first - end, constant)
