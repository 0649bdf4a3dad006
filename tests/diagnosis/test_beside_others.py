"""What the benchmark shows other tools of a run, and how it counts."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from lrscope.core.trace import Series, Trace
from lrscope.diagnosis import diagnose

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from corpus_parts.cases import line_cases
from rivals_parts.shown_files import write_shown
from rivals_parts.watched_case import watched


def curve(points: dict[int, float]) -> Series:
    return Series(np.array(list(points), np.int64), np.array(list(points.values())))


def test_a_file_has_what_all_can_read_and_nothing_that_lrscope_alone_records(tmp_path: Path) -> None:
    trace = Trace(
        {
            "train/loss": curve({0: 2.0, 1: 1.0, 2: float("nan")}),
            "lr": curve({0: 0.1, 2: 0.05}),
            "grad_norm": curve({1: 3.0}),
            "val/loss": curve({1: 1.5, 5: 1.4}),
            "train/loss_start": curve({0: 2.5}),
            "ahead/again": curve({2: 0.1}),
        }
    )
    write_shown(trace, tmp_path / "run.csv")
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["step", "train_loss", "lr", "grad_norm", "val_loss"],
        ["0", "2.0", "0.1", "", ""],
        ["1", "1.0", "0.1", "3.0", "1.5"],
        ["2", "nan", "0.05", "", "1.4"],
    ]


def test_a_case_is_watched_in_a_plain_loop() -> None:
    by_rate = {case.lr: case for case in line_cases()}
    assert diagnose(watched(by_rate[1.0])).verdict.label == "diverged"
    assert diagnose(watched(by_rate[1e-5])).verdict.label == "too slow"
