"""Which sweeps are tried: small networks, data sets that packages ship, the rates and seeds of somebody's sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from corpus_parts.cases import ACTIVATIONS

HALVES = {"tune": 51_000, "held-out": 92_000}
"""The seed of each half's draws. Priors were set on the first alone."""

PROBLEMS = (
    "digits", "iris", "wine", "cancer", "diabetes", "blobs6", "moons", "circles", "made", "noisy_labels", "rare_class",
    "made_regression", "friedman", "quantiles", "hastie", "swiss_roll", "hard", "sparse_regression",
)  # fmt: skip
LAYERS = ((), (16,), (32,), (25, 12), (16, 8), (12, 12, 12))
OPTIMIZERS = ("sgd", "momentum", "adam")
MIDDLE = {"sgd": -0.4, "momentum": -1.1, "adam": -1.9}
"""Of the rates that somebody would sweep, in decades."""

RATES = (5, 7, 9, 9, 13, 13, 17, 25)
SEEDS = (1, 1, 1, 1, 2, 3, 5)
MOST_STEPS = 120
DENSE = 31
"""Rates of the dense sweep, evenly in the logarithm from the sweep's lowest to its highest."""

DENSE_SEEDS = tuple(range(101, 106))
"""None of them is a seed of the sweep."""

FURTHER_SEEDS = tuple(range(201, 221))
"""Which tell what a rate brings: the dense sweep's best rate was not chosen by them, nor the sweep's."""


@dataclass(frozen=True)
class SweepCase:
    """One sweep: what is trained, at which rates and seeds."""

    name: str
    problem: str
    data_seed: int
    hidden: tuple[int, ...]
    activation: str
    optimizer: str
    schedule: str
    epochs: int
    batch_size: int
    rates: tuple[float, ...]
    seeds: int

    @property
    def dense_rates(self) -> tuple[float, ...]:
        return tuple(np.geomspace(self.rates[0], self.rates[-1], DENSE).tolist())


def draw_case(half: str, number: int) -> SweepCase:
    """The case of that number: each is drawn by a seed of its own, so that more cases leave the first as they are."""
    rng = np.random.default_rng(HALVES[half] + number)
    optimizer = str(rng.choice(OPTIMIZERS))
    middle = MIDDLE[optimizer] + rng.uniform(-0.7, 0.7)
    span = rng.uniform(1.5, 4.5)
    low = middle - span / 2
    count = int(rng.choice(RATES))
    return SweepCase(
        name=f"{half}-{number:03d}",
        problem=str(rng.choice(PROBLEMS)),
        data_seed=int(rng.integers(1000)),
        hidden=LAYERS[rng.integers(len(LAYERS))],
        activation=str(rng.choice(ACTIVATIONS)),
        optimizer=optimizer,
        schedule=str(rng.choice(["constant", "cosine"])),
        epochs=int(rng.integers(4, 31)),
        batch_size=int(rng.choice([16, 32, 64])),
        rates=tuple(float(f"{rate:.2g}") for rate in np.geomspace(10**low, 10 ** (low + span), count)),
        seeds=int(rng.choice(SEEDS)),
    )
