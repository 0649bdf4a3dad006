"""Traces made by hand, and the line trained for real."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace

CLASSES = 6
LN6 = math.log(CLASSES)


def series(values: Sequence[float] | np.ndarray, steps: Sequence[int] | np.ndarray | None = None) -> Series:
    """A curve recorded at these steps, by default at 0, 1, 2 …"""
    at = np.arange(len(values)) if steps is None else np.asarray(steps)
    return Series(at.astype(np.int64), np.asarray(values, dtype=np.float64))


def classification(**changes: object) -> RunFacts:
    """Facts of a run on six equal classes, 30 updates an epoch, Adam at a constant 0.01."""
    facts = RunFacts(
        peak_lr=0.01, optimizer="Adam", beta1=0.9, scheduler="constant", steps_per_epoch=30, task="classification",
        class_shares=(1 / CLASSES,) * CLASSES, batch_size=32, examples=960,
    )  # fmt: skip
    return replace(facts, **changes)  # type: ignore[arg-type]


def run(
    fixed: Sequence[float] | np.ndarray,
    facts: RunFacts | None = None,
    first: float = LN6,
    noise: float = 0.05,
    more: Mapping[str, Series] | None = None,
) -> Trace:
    """A run of ``len(fixed)`` epochs whose loss at fixed weights is given; its batches' losses lie around it."""
    facts = facts or classification()
    per_epoch = facts.steps_per_epoch or 1
    steps = len(fixed) * per_epoch
    ends = np.arange(1, len(fixed) + 1) * per_epoch - 1
    smooth = np.interp(np.arange(steps), np.append(-1, ends), np.append(first, fixed))
    batches = smooth + noise * np.random.default_rng(0).standard_normal(steps)
    batches[0] = first
    means = smooth.reshape(len(fixed), per_epoch).mean(1)
    curves = {
        "train/loss": series(batches),
        "train/loss_eval": series(fixed, ends),
        "train/loss_epoch": series(means, ends),
        "lr": series([facts.peak_lr or 0.01] * 2, [0, steps - 1]),
    }
    return Trace({**curves, **(more or {})}, facts)


def by_epoch(values: Sequence[float] | np.ndarray, per_epoch: int = 30) -> Series:
    """A metric recorded at each epoch's last update."""
    return series(values, np.arange(1, len(values) + 1) * per_epoch - 1)


def line(lr: float, epochs: int = 1000, tenth_after: int | None = None) -> Trace:
    """Full-batch gradient descent on mean((w x + b − 3x)²), x = 1, 2, 3, 4, from w = b = 0, as lrscope records it."""
    x = np.array([1.0, 2.0, 3.0, 4.0])
    y, w, b = 3 * x, 0.0, 0.0
    before, after, cosine, ratio, gradient = [], [], [], [], []
    last = np.zeros(2)
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(epochs):
            rate = lr / 10 if tenth_after is not None and epoch >= tenth_after else lr
            error = w * x + b - y
            before.append(float((error**2).mean()))
            update = -rate * 2 * np.array([(error * x).mean(), error.mean()])
            norms = np.linalg.norm(update) * np.linalg.norm(last)
            gradient.append(float(np.linalg.norm(update)) / rate)
            cosine.append(float(update @ last / norms) if norms > 0 else math.nan)
            length = math.hypot(w, b)
            ratio.append(float(np.linalg.norm(update) / length) if length else math.inf)
            w, b, last = w + update[0], b + update[1], update
            after.append(float(((w * x + b - y) ** 2).mean()))
            if not math.isfinite(after[-1]):
                break
    curves = {
        "train/loss": series(before), "train/loss_eval": series(after), "train/loss_epoch": series(before),
        "update_cosine": series(cosine), "update_ratio": series(ratio), "grad_norm": series(gradient), "lr":
        series([lr, lr], [0, len(before) - 1]),
    }  # fmt: skip
    facts = RunFacts(
        peak_lr=lr, optimizer="SGD", momentum=0.0, scheduler="constant", planned_steps=epochs, steps_per_epoch=1,
        task="regression", batch_size=4, examples=4,
    )  # fmt: skip
    return Trace(curves, facts)
