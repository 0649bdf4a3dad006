"""Trains copies of one finished run on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrscope.probe.probes import Probe
from lrscope.training.generators import same_generators
from lrscope.training.supported import Loss

Batch = tuple[Tensor, Tensor]
Update = Sequence[Batch]
"""The batches of one update: several where their gradients are added up."""


@dataclass(frozen=True, eq=False)
class RunState:
    """Where a run has come to; nothing of it is touched.

    updates: from where the data stands on, for ever, in the order of that number. make_optimizer: an optimizer like the
    run's, over another network of its kind. evaluate: the training loss at fixed weights over the whole part.
    accumulate: batches of a full update. clip: what the run does to its gradients before it takes a step.
    """

    network: nn.Module
    optimizer: Optimizer
    make_optimizer: Callable[[nn.Module], Optimizer]
    loss: Loss
    updates: Callable[[int], Iterator[Update]]
    evaluate: Callable[[nn.Module], float]
    device: torch.device
    accumulate: int = 1
    clip: Callable[[nn.Module], None] | None = None


def in_updates(epochs: Callable[[int], Iterable[Batch]], first: int, accumulate: int) -> Iterator[Update]:
    """The batches of the epochs from ``first`` on, for ever, in as many as make an update; an epoch's last may be made
    of fewer.
    """
    for epoch in count(first):
        gathered: list[Batch] = []
        for batch in epochs(epoch):
            gathered.append(batch)
            if len(gathered) == accumulate:
                yield gathered
                gathered = []
        if gathered:
            yield gathered


def cycles_momentum(optimizer: Optimizer) -> bool:
    """Whether a schedule of torch moves more than the rate: copies follow the rates alone."""
    return any("max_momentum" in group for group in optimizer.param_groups)


def has_several_rates(optimizer: Optimizer) -> bool:
    """Whether its parameter groups use different rates: copies follow one."""
    return len({float(group["lr"]) for group in optimizer.param_groups}) > 1


def seed_of_order(seed: int, order: int) -> int:
    """The seed of a run's data in that order of it; the run's own for 0."""
    return seed + 1_000_003 * order


def run_probe(run_state: RunState, probes: Sequence[Probe], stop: Callable[[], None]) -> dict[str, float]:
    """The level of the training loss at the end of each probe, by its name.

    Args:
        stop: called before each update, and raises where it is to be the last.
    """
    found: dict[str, float] = {}
    for probe in probes:
        with same_generators(run_state.device):
            losses = _losses(run_state, probe, stop)
        found[probe.name] = probe.level(losses)
    return found


def _losses(run_state: RunState, probe: Probe, stop: Callable[[], None]) -> list[float]:
    network = copy.deepcopy(run_state.network).to(run_state.device)
    optimizer = run_state.make_optimizer(network)
    optimizer.load_state_dict(copy.deepcopy(run_state.optimizer.state_dict()))
    eval_steps, losses = set(probe.eval_steps), []
    for step, (rate, batches) in enumerate(zip(probe.rates, run_state.updates(probe.order), strict=False)):
        stop()
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step(partial(_back, run_state, network, optimizer, batches))  # type: ignore[arg-type]
        if step in eval_steps:
            losses.append(run_state.evaluate(network))
    return losses


def _back(run_state: RunState, network: nn.Module, optimizer: Optimizer, batches: Update) -> Tensor:
    """The gradients of an update, as Lightning's closure makes them."""
    optimizer.zero_grad()
    losses = [run_state.loss(network(inputs), targets) / run_state.accumulate for inputs, targets in batches]
    total = torch.stack(losses).sum()
    total.backward()
    if run_state.clip is not None:
        run_state.clip(network)
    return total.detach()
