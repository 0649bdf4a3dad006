"""A run as a file that every tool reads by itself: a CSV of step, loss, rate, gradient norm and validation loss."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from lrscope.core.trace import Trace

COLUMNS = ("step", "train_loss", "lr", "grad_norm", "val_loss")
"""The names under which all three know them."""


def write_shown(trace: Trace, path: Path) -> None:
    """A row for each step whose loss was recorded, with the rate of that step and the gradient norm where it was
    measured. A validation loss stands in the last such row up to its step: a row without a loss would be taken for a
    loss that is no number. Nothing that lrscope alone records is in it: no loss before training, no spread, no dead
    units, no copies.
    """
    losses, rates = trace.get("train/loss"), trace.get("lr")
    norms, held_out = _by_row(trace, "grad_norm"), _by_row(trace, "val/loss")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row, (step, loss) in enumerate(zip(losses.steps.tolist(), losses.values.tolist(), strict=True)):
            rate = rates.values[np.searchsorted(rates.steps, step, side="right") - 1]
            writer.writerow([step, loss, rate, norms.get(row, ""), held_out.get(row, "")])


def _by_row(trace: Trace, name: str) -> dict[int, float]:
    """The values of a curve, by the row that they stand in."""
    curve = trace.get(name)
    rows = np.searchsorted(trace.get("train/loss").steps, curve.steps, side="right") - 1
    return dict(zip(rows.tolist(), curve.values.tolist(), strict=True))
