"""Numbers to predict that were standardised: the report says the loss as it was trained and in the user's unit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from made_sweeps import member, series, sweep
from mlflow import MlflowClient
from rich.console import Console

from lrscope.core.run_facts import RunFacts
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.collect import collect_sweep
from lrscope.report.data.stored_sweep import Member
from lrscope.report.output.report_files import write_report
from lrscope.report.output.terminal import members_table
from stored_sweeps import STEPS_PER_EPOCH, store_sweep, train

DEVIATION = 200_000.0


def standardised(rate: float, *losses: float, task: str = "regression") -> Member:
    """A mean squared error of 0.04 is a root mean square of 40,000."""
    made = member(rate, losses)
    curves = {**made.trace.series, "val/rmse": series([loss**0.5 * DEVIATION for loss in losses])}
    return replace(made, trace=replace(made.trace, series=curves, facts=RunFacts(task=task)))


def test_both_units_are_told_and_in_the_table(tmp_path: Path) -> None:
    made = sweep([standardised(0.001, 0.5, 0.25), standardised(0.01, 0.04, 0.09), standardised(0.1, 1.0, 0.81)])
    found = recommend(compare((made,)))[0]
    assert found.headline == "Use lr=0.01: best val/loss 0.04 (val/rmse 40,000), 0.09 at the end."
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(members_table(made), crop=False)
    assert "rmse" in out.getvalue() and "60,000" in out.getvalue() and "0.0900" in out.getvalue()
    files = write_report(made, tmp_path, figures=False)
    rows = list(csv.DictReader(files.csv.read_text().splitlines()))
    assert [float(row["best_val_rmse"]) for row in rows] == pytest.approx([100_000, 40_000, 180_000])
    assert "val rmse" in files.note_markdown and "val/rmse 40,000" in files.html.read_text()


def test_what_has_one_unit_alone_is_told_as_ever() -> None:
    plain = recommend(compare((sweep([member(r, [r]) for r in (0.1, 0.2, 0.3)]),)))[0]
    classes = [standardised(r, r, task="classification") for r in (0.1, 0.2, 0.3)]
    assert recommend(compare((sweep(classes),)))[0].headline == plain.headline == "Use lr=0.1: best val/loss 0.1."


def test_the_record_in_the_users_unit_is_read_from_the_store(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    made = train(0.01, 0, 2)
    curve = [(STEPS_PER_EPOCH - 1, 50_000.0), (2 * STEPS_PER_EPOCH - 1, 40_000.0)]
    parent, (one,) = store_sweep(uri, [replace(made, curves={**made.curves, "val/rmse": curve})])
    MlflowClient(uri).set_tag(one, "lrscope.facts", RunFacts(task="regression").to_json())
    (read,) = collect_sweep(uri, parent).members
    assert read.trace.get("val/rmse").values.tolist() == [50_000.0, 40_000.0]
    assert "(val/rmse 40,000)" in recommend(compare((collect_sweep(uri, parent),)))[0].headline
