"""The gradient noise scale: the batch size from which larger batches bring little (McCandlish et al. 2018).

arXiv 1812.06162, appendix A.1: B = tr(S) / |G|^2, with S the covariance of the gradients of single examples and G the
mean gradient, both without bias from the squared norms of the gradients of small batches and of all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import Tensor, nn

from lrscope.core.found_rate import NoiseScale
from lrscope.core.trials import RATE
from lrscope.probe.continue_training import Batch, in_updates
from lrscope.probe.copies import SingleCopies
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.training.generators import untouched_generators

BATCHES = 32
"""Whose gradients are compared."""


def noise_scale(
    start: TrialStart, key: str, rate: float, updates: int, stop: Callable[[], object]
) -> NoiseScale | None:
    """Trains one more copy to where the others were compared last, and measures there without another update.

    Args:
        key: of the config, that sets the rate.

    Returns:
        None for a signal, and where an epoch has a single batch: nothing differs then.
    """
    if start.updates * start.accumulate < 2:
        return None
    with untouched_generators():
        member = start.member(Change(RATE, {key: rate}))
        copy = SingleCopies(start, [member])
        copy.at_rates([rate])
        ahead = in_updates(start.epoch, 0, start.accumulate)
        for batches in islice(ahead, updates):
            if stop():
                return None
            copy.update(batches)
        singles = (batch for update in ahead for batch in update)
        gradients = [_gradient(start, member.network, batch) for batch in _alike(singles, start.batch_size)]
    return scale_of(torch.stack(gradients), start.batch_size, updates)


def scale_of(gradients: Tensor, batch_size: int, updates: int) -> NoiseScale | None:
    """From the gradients [K, P] of K batches of one size; None where one is not finite."""
    count = len(gradients)
    small = float(gradients.square().sum(1).mean())
    big = float(gradients.mean(0).square().sum())
    if not small < float("inf"):
        return None
    signal = (count * big - small) / (count - 1)
    noise = batch_size * count / (count - 1) * (small - big)
    most = float(count * batch_size)
    if noise >= most * signal:
        return NoiseScale(most, updates, batch_size, at_least=True)
    return NoiseScale(max(noise / signal, 0.0), updates, batch_size)


def _alike(batches: Iterator[Batch], size: int) -> Iterator[Batch]:
    """The next batches of the full size: an epoch's last may be smaller."""
    return islice((batch for batch in batches if len(batch[1]) == size), BATCHES)


def _gradient(start: TrialStart, network: nn.Module, batch: Batch) -> Tensor:
    """Of the loss of one batch, in one vector."""
    inputs, targets = batch
    weights = [one for one in network.parameters() if one.requires_grad]
    found = torch.autograd.grad(start.loss(network(inputs), targets), weights, allow_unused=True)
    return torch.cat([g.flatten().double() for g in found if g is not None])
