"""The table of members: which columns it has and what stands in them, for terminal, page, note, CSV and JSON alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lrscope.report.axes import RATE, SEED, format_rate, number
from lrscope.report.comparison import Comparison, Row

Value = float | int | str | None


@dataclass(frozen=True)
class Column:
    """``key`` names it in CSV and JSON, ``title`` on paper; ``short`` columns are those that fit a terminal."""

    key: str
    title: str
    value: Callable[[Row], Value]
    text: Callable[[Value], str]
    short: bool = True

    @property
    def right(self) -> bool:
        """Whether it holds numbers, which stand at the right."""
        return self.text is not plain


def plain(value: Value) -> str:
    return "" if value is None else str(value)


def loss_text(value: Value) -> str:
    """``0.1234``, ``12.3``, ``3.5e+12``; ``inf`` where the loss was not finite, a dash where there is none."""
    if not isinstance(value, int | float) or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "inf"
    return f"{value:.4g}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.2e}"


def accuracy_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) or not math.isfinite(value) else f"{value:.4f}"


def rate_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else format_rate(value)


def count_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:,.0f}".replace(",", " ")


def seconds_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def columns(comparison: Comparison) -> tuple[Column, ...]:
    """The columns of this comparison: those whose every cell would be empty are left out."""
    found = [*_identity(comparison), *_results(comparison)]
    return tuple(column for column in found if any(_filled(column.value(row)) for row in comparison.rows))


def _filled(value: Value) -> bool:
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def _identity(comparison: Comparison) -> list[Column]:
    axes = list(dict.fromkeys(axis for sweep in comparison.sweeps for axis in sweep.axes))
    found = [Column("lr", "lr", lambda row: row.member.rate, rate_text)]
    if len(comparison.sweeps) > 1:
        owners = {member.run_id: sweep for sweep in comparison.sweeps for member in sweep.members}
        found.append(Column("sweep", "sweep", lambda row: owners[row.member.run_id].name, plain))
        found.append(Column("group", "settings", lambda row: row.group, plain))
    for axis in axes:
        if axis not in (RATE, SEED):
            found.append(_setting(axis))
    found.append(Column("seed", "seed", lambda row: row.member.seed, count_text, short=SEED in axes))
    if comparison.x_axis != RATE:
        found.sort(key=lambda column: column.key != comparison.x_axis)
    return [
        *found,
        Column("verdict", "verdict", lambda row: row.member.outcome, plain),
        Column("status", "status", lambda row: row.member.status.lower(), plain),
    ]


def _setting(axis: str) -> Column:
    def value(row: Row) -> Value:
        text = row.member.settings.get(axis, "")
        as_number = number(text)
        return as_number if as_number is not None and math.isfinite(as_number) else text

    def text(value: Value) -> str:
        return format_rate(value) if isinstance(value, float) else plain(value)

    return Column(axis, axis, value, text)


def _results(comparison: Comparison) -> list[Column]:
    del comparison
    return [
        Column("final_train_loss", "train loss", lambda row: row.outcome.final_train, loss_text),
        Column("best_train_loss", "best", lambda row: row.outcome.best_train, loss_text),
        Column("final_val_loss", "val loss", lambda row: row.outcome.final_val, loss_text),
        Column("best_val_loss", "best", lambda row: row.outcome.best_val, loss_text),
        Column("final_train_acc", "train acc", lambda row: row.outcome.final_train_acc, accuracy_text),
        Column("best_train_acc", "best", lambda row: row.outcome.best_train_acc, accuracy_text, short=False),
        Column("final_val_acc", "val acc", lambda row: row.outcome.final_val_acc, accuracy_text),
        Column("best_val_acc", "best", lambda row: row.outcome.best_val_acc, accuracy_text),
        Column("steps_to_90", "steps to 90%", lambda row: row.arrival, count_text, short=False),
        Column("steps", "steps", lambda row: row.outcome.steps, count_text),
        Column("seconds", "seconds", lambda row: row.member.seconds, seconds_text),
    ]
