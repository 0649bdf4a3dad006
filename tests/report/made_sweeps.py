"""Sweeps made by hand: the numbers are in the test, nothing is stored."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import Member, Sweep

START = 2.0
"""The loss of every made run before its first update."""


def series(values: Sequence[float], every: int = 10) -> Series:
    """Values by epoch of ``every`` steps."""
    steps = np.arange(1, len(values) + 1) * every - 1
    return Series(steps.astype(np.int64), np.asarray(values, np.float64))


def member(
    rate: float | None,
    losses: Sequence[float],
    *,
    seed: int = 0,
    verdict: Verdict | None = Verdict.TRAINED,
    status: str = "FINISHED",
    settings: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    name: str | None = None,
    metric: str = "val/loss",
) -> Member:
    """A member whose loss by epoch is given; the first batch had the loss ``START``."""
    curves = {}
    if losses:
        first = Series(np.array([0, 10 * len(losses) - 1]), np.array([START, losses[-1]]))
        curves = {"train/loss": first, metric: series(losses)}
    found = dict(settings) if settings else {"lr": f"{rate:g}", "seed": str(seed)}
    return Member(
        run_id=uuid.uuid4().hex,
        name=name or f"lr={rate:g},seed={seed}",
        rate=None if rate is None else float(rate),
        seed=seed,
        settings=found,
        status=status,
        verdict=verdict,
        why="",
        seconds=1.5,
        trace=Trace(curves),
        params=dict(params or {}),
    )


def sweep(
    members: Sequence[Member],
    axes: Sequence[str] = ("lr",),
    overrides: Sequence[str] = ("lr=1,0.1",),
    planned: int | None = None,
    run_id: str = "0" * 32,
    name: str = "lr × 3",
    deleted: int = 0,
) -> Sweep:
    return Sweep(
        run_id=run_id,
        experiment_id="1",
        experiment="digits",
        name=name,
        store="sqlite:////nowhere/mlflow.db",
        status="FINISHED",
        started=None,
        axes=tuple(axes),
        overrides=tuple(overrides),
        planned=planned,
        deleted=deleted,
        members=tuple(members),
    )
