"""What a find shows beside the rate: whether it needs a warm-up, and up to which batch size it may grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from lrscope.core.found_rate import FoundRate
from lrscope.core.trials import RATE
from lrscope.probe.noise_scale import noise_scale
from lrscope.probe.trial_start import Change
from lrscope.report.analysis.warm_up import warm_up
from lrscope.training.measures import is_preconditioned, sharpness, stability_limit

if TYPE_CHECKING:
    from lrscope.probe.horizons import CopyRecord
    from lrscope.runs.find_start import FindStart

LOOKED_AT = 256
"""Examples on which the sharpness at the start is measured."""

BEGINS_LOW = 0.5
"""A schedule that begins below this share of its peak is a warm-up already."""


def with_evidence(
    found: FoundRate, start: FindStart, records: Sequence[CopyRecord], stop: Callable[[], object]
) -> FoundRate:
    """The finding with both, where a rate was found."""
    if found.lr is None:
        return found
    key, (*_, last) = start.run.facts.rate_key, start.plan.branches
    rates, losses = [one.rate for one in records], [one.losses for one in records]
    begins_low = start.shape is not None and start.shape[0] < BEGINS_LOW
    needed = None if begins_low else warm_up(rates, losses, found.lr, _stable_at_the_start(start))
    return replace(found, warm_up=needed, noise=noise_scale(start.start, key, found.lr, last.updates, stop))


def _stable_at_the_start(start: FindStart) -> float | None:
    """None of an optimizer that scales its steps: before the first there is no scale."""
    facts, trial = start.run.facts, start.start
    if is_preconditioned(facts) or stability_limit(facts, 1.0) is None:
        return None
    network = trial.member(Change(RATE, {facts.rate_key: start.plan.rates[0]})).network.to(trial.device).eval()
    inputs, targets = trial.examples.inputs[:LOOKED_AT], trial.examples.targets[:LOOKED_AT]

    def loss() -> Tensor:
        return trial.loss(network(inputs), targets)

    try:
        return stability_limit(facts, sharpness(loss, list(network.parameters())).lambda_max)
    except RuntimeError:  # a layer that has no second derivative
        return None
