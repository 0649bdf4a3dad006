"""Curves in files of other programs: CSV, JSON lines, Transformers' ``trainer_state.json``, TensorBoard's events, W&B's
offline runs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lrscope.core.errors import InputError, Problem
from lrscope.core.files import plain_opener
from lrscope.core.from_store import LARGEST_STEP, entries, line, number, parsed, whole
from lrscope.core.trace import Series, Trace
from lrscope.diagnosis.signals.aliases import ALIASES, canonical_name
from lrscope.report.data.wandb_history import wandb_rows

STEPS = ("step", "global_step", "_step", "iteration", "iter", "update", "steps", "epoch")
"""Columns that count, the finest first."""
KINDS = ("metrics.csv", "trainer_state.json", "*.csv", "*.jsonl", "*tfevents*", "*.wandb")
"""Files of a folder that are looked at."""
KNOWN = (*ALIASES, "update_ratio", "update_cosine", "output_spread", "train/loss_start")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CurveFile:
    """The curves of a file, and which of its columns they were taken from, in words."""

    path: Path
    trace: Trace
    taken: str


def curve_files(place: Path) -> list[Path]:
    """The file itself, or the files of a folder, at any depth, that can be read."""
    if place.is_dir():
        return sorted({file for kind in KINDS for file in place.rglob(kind) if file.is_file()})
    return [place]


def read_curves(path: Path, columns: Mapping[str, str] | None = None) -> CurveFile:
    """The curves of one run.

    Args:
        columns: lrscope's name (``step``, ``train/loss`` …) to the file's column; the others are guessed.

    Raises:
        InputError: it cannot be read, has no column of that name, or no loss.
    """
    given = dict(columns or {})
    rows, first_step = _rows(path)
    names = list(dict.fromkeys(name for row in rows for name in row))
    for wanted, name in given.items():
        if name not in names:
            raise _refused(
                path, f"has no column {name!r} for {wanted}", f"It has: {', '.join(map(line, names))[:300]}."
            )
    counts = given.pop("step", None) or next((name for plain in STEPS for name in names if name.lower() == plain), None)
    taken = {**_guessed(names, given), **given}
    series = {name: _curve(rows, column, counts, first_step) for name, column in taken.items()}
    series = {name: curve for name, curve in series.items() if len(curve)}
    if not any(name.startswith("train/loss") for name in series):
        rule = f"has no training loss that is known by its name; its columns: {', '.join(map(line, names))[:300]}"
        raise _refused(path, rule, "Say which it is: --map train/loss=COLUMN.")
    words = ", ".join(f"{name} from {line(taken[name])!r}" for name in series)
    return CurveFile(path, Trace(series), f"step from {line(counts)!r}, {words}" if counts else words)


def _guessed(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """The first column of each known name."""
    found: dict[str, str] = {}
    for name in names:
        known = canonical_name(name)
        if known in KNOWN and known not in given:
            found.setdefault(known, name)
    return found


def _curve(rows: Rows, column: str, counts: str | None, first_step: int) -> Series:
    """A column with its steps; rows without a number in it are passed over, of two at one step the later stays."""
    points: dict[int, float] = {}
    for place, row in enumerate(rows):
        value = number(row.get(column)) if row.get(column) not in (None, "") else None
        step = place if counts is None else whole(row.get(counts), high=LARGEST_STEP)
        if value is not None and step is not None:
            points[max(step - first_step, 0)] = value
    steps = sorted(points)
    return Series(np.array(steps, np.int64), np.array([points[step] for step in steps], np.float64))


def _rows(path: Path) -> tuple[Rows, int]:
    """The rows of a file, and the number that its first update has."""
    if "tfevents" in path.name:
        return _events(path), 0
    if path.suffix == ".wandb":
        return _wandb(path), 0
    try:
        with open(path, encoding="utf-8", errors="replace", newline="", opener=plain_opener) as file:
            if path.suffix == ".json":
                history = entries(file.read()).get("log_history")
                return [row for row in history if isinstance(row, dict)] if isinstance(history, list) else [], 1
            if path.suffix in (".jsonl", ".ndjson"):
                return [row for text in file if isinstance(row := parsed(text), dict)], 0
            return [{key: value for key, value in row.items() if key} for row in csv.DictReader(file)], 0
    except (OSError, csv.Error) as error:
        raise _refused(
            path, f"cannot be read ({error})", "Give a CSV, JSONL, trainer_state.json or an event file."
        ) from None


def _events(path: Path) -> Rows:
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise _refused(path, "is read by tensorboard, which is not installed", "pip install tensorboard") from None
    events = EventAccumulator(str(path), size_guidance={"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    return [{"step": point.step, tag: point.value} for tag in tags for point in events.Scalars(tag)]


def _wandb(path: Path) -> Rows:
    try:
        return wandb_rows(path)
    except ImportError:
        raise _refused(path, "is read by wandb, which is not installed", "pip install wandb") from None
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read ({error})", "Give the folder of an offline run.") from None


def _refused(path: Path, rule: str, remedy: str) -> InputError:
    return InputError(Problem("diagnose", str(path), rule, remedy))
