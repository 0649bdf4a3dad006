"""Generators of random numbers: their state in a checkpoint, and how they are left as they were."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch


def same_generators(device: torch.device) -> AbstractContextManager[object]:
    """What is drawn inside from torch's generators is drawn again outside."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


@contextmanager
def quietly(device: torch.device) -> Iterator[None]:
    """Without warnings (of broadcasts, of a schedule that moves first), and the random numbers left as they were."""
    with warnings.catch_warnings(), same_generators(device):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def untouched_generators() -> Iterator[None]:
    """What is drawn inside is drawn again outside, from every generator: a loader of the user's may shuffle."""
    before = random_state()
    yield
    restore_random_state(before)


def random_state() -> dict[str, Any]:
    """Every generator's state as tensors, lists and numbers, so that it loads with ``weights_only=True``."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": [str(name), [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.asarray(keys, np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


class SeededGenerators:
    """Generators of random numbers of one's own, in the place of python's, numpy's and torch's where somebody else's
    code draws from these. They begin at a seed, and go on from one block to the next.
    """

    def __init__(self, seed: int) -> None:
        outside = _states()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        self._own = _states()
        _set(outside)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Whoever draws inside draws from these; what is drawn outside does not notice."""
        outside = _states()
        _set(self._own)
        try:
            yield
        finally:
            self._own = _states()
            _set(outside)


def _states() -> tuple[Any, Any, torch.Tensor]:
    """Of the processor's generators, in the form that costs least."""
    return random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()


def _set(states: tuple[Any, Any, torch.Tensor]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
