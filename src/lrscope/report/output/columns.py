"""The table of members: which columns it has and what stands in them, for terminal, page, note, CSV and JSON alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.member_numbers import at_end_and_best
from lrscope.report.analysis.own_unit import in_words, own_unit
from lrscope.report.data.axes import RATE, SEED, format_loss, format_rate, number
from lrscope.report.data.stored_sweep import PRUNED_WORDS

Value = float | int | str | None


@dataclass(frozen=True)
class Column:
    """``key`` names it in CSV and JSON, ``title`` on paper, in one or two lines.

    ``rank`` says what a narrow terminal leaves out first: the highest; 0 is always shown.
    """

    key: str
    title: str
    value: Callable[[Row], Value]
    text: Callable[[Value], str]
    rank: int = 0

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("\n", " ")

    @property
    def right(self) -> bool:
        """Whether it holds numbers, which stand at the right."""
        return self.text is not plain


def plain(value: Value) -> str:
    return "" if value is None else str(value)


def loss_text(value: Value) -> str:
    """As ``format_loss``; ``inf`` where the loss was not finite, a dash where there is none."""
    if not isinstance(value, int | float) or math.isnan(value):
        return "–"
    return "inf" if math.isinf(value) else format_loss(value)


def amount_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) or not math.isfinite(value) else in_words(value)


def accuracy_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) or not math.isfinite(value) else f"{value:.4f}"


def rate_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else format_rate(value)


def count_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:,.0f}"


def seconds_text(value: Value) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:,.1f}"


def columns(comparison: Comparison) -> tuple[Column, ...]:
    """The columns of this comparison: those whose every cell would be empty are left out."""
    found = [*_identity(comparison), *_judged(comparison), *_in_own_unit(comparison), *RESULTS]
    return tuple(column for column in found if any(_filled(column.value(row)) for row in comparison.rows))


TOLD_ABOVE = ("lr", "seed", "steps")
"""What stands in the head of a report where it is the same for all members."""

REPEATS = {
    "best_train_loss": "final_train_loss",
    "best_train_acc": "final_train_acc",
    "best_val_acc": "final_val_acc",
    "best_objective": "final_objective",
}
"""A best value that every member has at its end needs no column of its own."""


def telling(comparison: Comparison) -> tuple[Column, ...]:
    """The columns for a person: without those that say the same of every member, or what another one says."""
    found = {column.key: column for column in columns(comparison)}
    dull = {key for key in TOLD_ABOVE if key in found and key != comparison.x_axis and _same(found[key], comparison)}
    dull |= {
        key
        for key, other in REPEATS.items()
        if key in found and other in found and _equal(found[key], found[other], comparison)
    }
    if all(row.member.status == "FINISHED" or row.member.outcome in TELLS_STATUS for row in comparison.rows):
        dull.add("status")
    return tuple(column for key, column in found.items() if key not in dull)


TELLS_STATUS = ("diverged", "crashed", "running", "stopped", PRUNED_WORDS)
"""Outcomes that say how the run ended."""


def _same(column: Column, comparison: Comparison) -> bool:
    return len({column.value(row) for row in comparison.rows}) == 1


def _equal(one: Column, other: Column, comparison: Comparison) -> bool:
    return all(one.text(one.value(row)) == other.text(other.value(row)) for row in comparison.rows)


def _filled(value: Value) -> bool:
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def _identity(comparison: Comparison) -> list[Column]:
    axes = list(dict.fromkeys(axis for sweep in comparison.sweeps for axis in sweep.axes))
    rates = {row.member.rate for row in comparison.rows}
    found = [Column("lr", "lr", lambda row: row.member.rate, rate_text, rank=0 if len(rates) > 1 else 3)]
    if len(comparison.sweeps) > 1:
        owners = {member.run_id: sweep for sweep in comparison.sweeps for member in sweep.members}
        found.append(Column("sweep", "sweep", lambda row: owners[row.member.run_id].name, plain, rank=5))
        found.append(Column("group", "settings", lambda row: row.group, plain))
    found += [_setting(axis, comparison) for axis in axes if axis not in (RATE, SEED)]
    found.append(Column("seed", "seed", lambda row: row.member.seed, count_text, rank=0 if SEED in axes else 9))
    if comparison.x_axis != RATE:
        found.sort(key=lambda column: column.key != comparison.x_axis)

    return [
        *found,
        Column("verdict", "verdict", lambda row: row.member.fate, plain),
        Column("status", "status", lambda row: row.member.status.lower(), plain, rank=1),
    ]


def _judged(comparison: Comparison) -> list[Column]:
    """The metric that decides, where no column of :data:`RESULTS` holds it."""
    judge = comparison.judge
    if judge.is_loss or judge.metric in ("val/acc", "train/acc"):
        return []
    name = judge.metric.replace("/", " ")
    return [
        Column("final_objective", name.replace(" ", "\n", 1), lambda row: judge.value(row.final), loss_text),
        Column("best_objective", f"best\n{name}", lambda row: judge.value(row.best), loss_text),
    ]


def _in_own_unit(comparison: Comparison) -> list[Column]:
    """The losses in the user's unit, where targets were standardised; see ``analysis/own_unit.py``."""
    members = [row.member for row in comparison.rows]
    found = []
    for part, rank in (("train", 5), ("val", 0)):
        name = own_unit(members, part)
        if name is None or name == comparison.judge.metric:
            continue
        title = name.replace("/", "\n")
        found.append(Column(f"final_{name.replace('/', '_')}", title, _of_curve(name, 0), amount_text, rank=rank))
        if part == "val":
            best = f"best\n{name.replace('/', ' ')}"
            found.append(Column(f"best_{name.replace('/', '_')}", best, _of_curve(name, 1), amount_text, rank=1))
    return found


def _of_curve(name: str, place: int) -> Callable[[Row], Value]:
    """Its value at the end (0), or at its best (1)."""
    return lambda row: at_end_and_best(row.member.trace.get(name))[place]


def _setting(axis: str, comparison: Comparison) -> Column:
    """Numbers where every member's value is one, else words."""

    def words(row: Row) -> Value:
        return row.member.settings.get(axis, "")

    def numbers(row: Row) -> Value:
        return number(row.member.settings.get(axis, ""))

    numeric = all(numbers(row) is not None for row in comparison.rows)
    return Column(axis, axis, numbers, rate_text) if numeric else Column(axis, axis, words, plain)


RESULTS = (
    Column("final_train_loss", "train\nloss", lambda row: row.outcome.final_train, loss_text, rank=1),
    Column("best_train_loss", "best\ntrain loss", lambda row: row.outcome.best_train, loss_text, rank=5),
    Column("final_val_loss", "val\nloss", lambda row: row.outcome.final_val, loss_text),
    Column("best_val_loss", "best\nval loss", lambda row: row.outcome.best_val, loss_text),
    Column("final_train_acc", "train\nacc", lambda row: row.outcome.final_train_acc, accuracy_text, rank=4),
    Column("best_train_acc", "best\ntrain acc", lambda row: row.outcome.best_train_acc, accuracy_text, rank=8),
    Column("final_val_acc", "val\nacc", lambda row: row.outcome.final_val_acc, accuracy_text, rank=1),
    Column("best_val_acc", "best\nval acc", lambda row: row.outcome.best_val_acc, accuracy_text, rank=4),
    Column("steps_to_90", "steps\nto 90%", lambda row: row.arrival, count_text, rank=7),
    Column("steps", "steps", lambda row: row.outcome.steps, count_text, rank=2),
    Column("seconds", "seconds", lambda row: row.member.seconds, seconds_text, rank=2),
)
