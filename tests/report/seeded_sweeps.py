"""Sweeps over seeds, stored as lrscope stores them: short curves made by rule, that fail where a test wants it.

The losses are those of the SIGNS network in shape: a rate of 0.001 is better where it trains, and mostly does not.
"""

from __future__ import annotations

import numpy as np

from stored_sweeps import Trained

START = 1.79
"""ln 6: the loss of six classes at chance."""


def seeded(rate: float, seed: int, loss: float, *, failed: bool = False, schedule: str | None = None) -> Trained:
    """A training whose validation loss comes down to about ``loss`` in 20 epochs, or stays at chance."""
    noise = np.random.default_rng([seed, int(1e7 * rate)])
    epochs = np.arange(1, 21)
    floor = START if failed else loss * (1 + 0.08 * noise.normal())
    values = floor + (START - floor) * np.exp(-epochs / 4.0)
    steps = [int(10 * epoch - 1) for epoch in epochs]
    accuracy = np.clip(1 - values / (START + 0.2), 0.16, 1)
    factors = 0.5 * (1 + np.cos(np.pi * np.arange(200) / 200)) if schedule == "cosine" else np.ones(200)
    if schedule == "step":
        factors = 0.5 ** (np.arange(200) // 50)
    curves = {
        "train/loss": [(0, START), *zip(steps, (values * 0.9).tolist(), strict=True)],
        "train/loss_eval": list(zip(steps, (values * 0.9).tolist(), strict=True)),
        "val/loss": list(zip(steps, values.tolist(), strict=True)),
        "val/acc": list(zip(steps, accuracy.tolist(), strict=True)),
        "lr": list(enumerate((rate * factors).tolist())),
    }
    verdict, why = ("collapsed", "train loss 1.79 at the end as at the start") if failed else ("trained", "")
    settings = {"scheduler": schedule} if schedule else {}
    return Trained(rate, seed, curves, verdict, why, settings=settings)


def signs(seeds: int = 20) -> list[Trained]:
    """Four rates: 0.01 fails for all seeds, 0.001 for 16 of 20, 0.0001 for 4, and 0.00001, the slow one, for 6."""
    failing = {0.01: 20, 0.001: 16, 0.0001: 4, 0.00001: 6}
    losses = {0.01: 0.3, 0.001: 0.2, 0.0001: 0.35, 0.00001: 1.1}
    return [
        seeded(rate, seed, losses[rate], failed=seed * 20 < failing[rate] * seeds)
        for rate in failing
        for seed in range(seeds)
    ]


def schedules(seeds: int = 5) -> list[Trained]:
    """Three schedules at one rate, by five seeds."""
    losses = {"constant": 0.45, "cosine": 0.30, "step": 0.36}
    return [seeded(0.001, seed, loss, schedule=name) for name, loss in losses.items() for seed in range(seeds)]


def many(rates: int = 24, seeds: int = 5) -> list[Trained]:
    """120 members or so: a valley of the loss over five decades, the highest rates fail."""
    found = []
    for rate in np.geomspace(1e-5, 1, rates).tolist():
        depth = 0.2 + 0.12 * (np.log10(rate) + 2.5) ** 2
        found += [seeded(rate, seed, min(depth, 1.7), failed=rate > 0.15) for seed in range(seeds)]
    return found
