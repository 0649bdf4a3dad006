"""How many threads of the processor torch trains with, where the config leaves it open."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn

SMALL_FLOPS = 1e8
"""Floating-point operations of an update below which a second thread gains nothing: some 5 ms of one core. The threads
of smaller ones wait for each other most of the time, awake, and keep the cores from what delivers the record: on two
cores the digits default took 1.5 times as long with two threads as with one.
"""

BACK = 2
"""The backward pass costs twice the forward pass: a product for the weights' gradient, and one for the inputs'."""


@cache
def most() -> int:
    """Torch's own choice: the cores, or what ``OMP_NUM_THREADS`` says. As it was when first asked."""
    return torch.get_num_threads()


def use(threads: int | None) -> None:
    """Train with so many; None: with one, until it is known what there is to train."""
    most()
    torch.set_num_threads(1 if threads is None else threads)


@contextmanager
def at(threads: int | None) -> Iterator[None]:
    """With so many threads for as long as this lasts; None leaves them as they are. Afterwards as before."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fitting(network: nn.Module, example: Tensor, batch_size: int) -> int:
    """One for a small network, else torch's own choice; the same whenever it is asked.

    It must not be timed: threads add up in another order, and a run that is repeated or resumed is to have the same
    bits.

    Args:
        example: an input of one example, [1, ...].
    """
    return 1 if most() == 1 else for_work(flops(network, example) * batch_size)


def for_work(operations: float) -> int:
    """The threads for an update of so many floating-point operations."""
    return 1 if operations < SMALL_FLOPS else most()


def flops(network: nn.Module, example: Tensor) -> float:
    """Operations of a forward and backward pass of one example, as far as torch can count them; infinite for a network
    that does not take a single one. The network and the random numbers are left alone.
    """
    from torch.utils.flop_counter import FlopCounterMode

    try:
        tried = copy.deepcopy(network).eval()
        first = next(tried.parameters(), example)
        inputs = example.to(first.device, first.dtype if example.is_floating_point() else example.dtype)
        with torch.random.fork_rng(devices=[]), torch.no_grad(), FlopCounterMode(display=False) as counter:
            tried(inputs)
    except Exception:  # of a user's network; where something is wrong with it the training says so
        return math.inf
    return (1 + BACK) * float(counter.get_total_flops())
