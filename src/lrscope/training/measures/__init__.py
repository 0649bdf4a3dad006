"""What is measured of a network while it trains: small functions on tensors, and meters that cost nothing when idle.

Callbacks and ``batched.model`` use them; they know torch alone.

    gradient, updates      norm of the gradient; size and direction of the updates
    group_rates            the rate of each parameter group, by name
    dead, spread           units that pass nothing on; outputs that do not depend on the input
    forward_pass           both of a forward pass in a loop of somebody else's
    sharpness, stability   the largest curvature, and the rate that it bears
"""

from __future__ import annotations

from lrscope.training.measures.dead import DeadUnits, DeadUnitsMeter
from lrscope.training.measures.gradient import grad_norm
from lrscope.training.measures.group_rates import rates_by_group
from lrscope.training.measures.sharpness import Sharpness, preconditioner, sharpness
from lrscope.training.measures.spread import SpreadMeter
from lrscope.training.measures.stability import above_limit, is_preconditioned, stability_limit
from lrscope.training.measures.updates import UpdateMeter, UpdateReading

__all__ = [
    "DeadUnits",
    "DeadUnitsMeter",
    "Sharpness",
    "SpreadMeter",
    "UpdateMeter",
    "UpdateReading",
    "above_limit",
    "grad_norm",
    "is_preconditioned",
    "preconditioner",
    "rates_by_group",
    "sharpness",
    "stability_limit",
]
