"""How far a run may look ahead: as far as it costs next to nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from lrscope.datasets.data import Part
from lrscope.diagnosis.signals.eval_steps import EVAL_STEPS, late_steps, tenth_of
from lrscope.training.threads import BACK, flops

MOST_UPDATES = 240
"""Updates that any run may be trained on for: those of the smallest network that ships take a tenth of a second. Of the
mistakes of forecasts most are made in runs so short.
"""

MOST_ON_TRIAL = 600
"""Updates that a run may be trained on for before it is called failed, which few are."""

MOST_OPERATIONS = 1e10
"""Floating-point operations that they and their evaluations may take: about as long. Counted and not timed, so that a
run that is repeated or resumed has the same verdict.
"""

ENOUGH_EPOCHS = 48
"""Where so many epochs are evaluated at their ends, a run of more than a few hundred updates is not looked at in
between: 14 of the evaluations lie in its last 30%.
"""


COUNTED = 0.25
"""A weight takes part in a product and a sum at least once an example; where fewer than this share of those are
counted, the count is not believed.
"""


@dataclass(frozen=True)
class Effort:
    """Floating-point operations of one update, and of one evaluation of the training part."""

    update: float
    evaluation: float


def effort(network: nn.Module, train: Part, batch_size: int, batches: int = 1) -> Effort:
    """Of a network on that training part, with so many batches of that size an update."""
    each = flops(network, train.inputs[:1])
    tables = sum(p.numel() for m in network.modules() if isinstance(m, nn.Embedding) for p in m.parameters())
    if each / (1 + BACK) < 2 * (sum(p.numel() for p in network.parameters()) - tables) * COUNTED:
        each = math.inf  # torch does not count everything (an LSTM on the processor)
    return Effort(each * batch_size * batches, each / (1 + BACK) * len(train))


@dataclass(frozen=True)
class ProbeBudget:
    """again: whether the run may be trained on for as many steps again. tenth: for 10% more, twice. late: steps behind
    which its training loss is evaluated, beside the ends of epochs: what the copies' losses are held against.
    """

    again: bool = False
    tenth: bool = False
    late: frozenset[int] = frozenset()

    @classmethod
    def of(cls, steps: int, evaluated_every: int, effort: Effort) -> ProbeBudget:
        """Of a run of so many updates that is evaluated behind every so many, and at its end; it may end earlier."""
        tenths = 2 * tenth_of(steps)
        again = steps + tenths <= MOST_UPDATES and _cheap(steps + tenths, 5 * EVAL_STEPS, effort)
        if not again and not (tenths <= MOST_ON_TRIAL and _cheap(tenths, 4 * EVAL_STEPS, effort)):
            return cls()
        late = () if not again and steps >= ENOUGH_EPOCHS * evaluated_every else late_steps(steps)[:-1]
        return cls(again, True, frozenset(step for step in late if (step + 1) % evaluated_every))


NOWHERE = ProbeBudget()


def _cheap(updates: int, eval_steps: int, effort: Effort) -> bool:
    return updates * effort.update + eval_steps * effort.evaluation <= MOST_OPERATIONS
