"""Sweeps over seeds, stored and reported: the failed share decides before the loss, and a schedule is one mark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from seeded_sweeps import many, schedules, signs

from lrscope.report.analysis.comparison import Comparison, compare
from lrscope.report.analysis.ranking import ranking_of
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.collect import collect_sweep
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.output.report_files import write_report
from stored_sweeps import Trained, store_sweep


def _stored(project: Path, runs: list[Trained], axes: tuple[str, ...], overrides: tuple[str, ...]) -> Sweep:
    uri = f"sqlite:///{project}/mlflow.db"
    parent, _ = store_sweep(uri, runs, axes=axes, overrides=overrides)
    return collect_sweep(uri, parent)


@pytest.fixture
def signs_sweep(store_project: Path) -> Sweep:
    return _stored(store_project, signs(), ("lr", "seed"), ("lr=0.01,0.001,0.0001,0.00001", "seed=range(20)"))


@pytest.fixture
def schedules_sweep(store_project: Path) -> Sweep:
    overrides = ("scheduler=constant,cosine,step", "seed=range(5)", "lr=0.001")
    return _stored(store_project, schedules(), ("scheduler", "seed"), overrides)


def test_the_rate_that_fails_for_fewer_seeds_is_recommended_and_its_failures_are_said(
    signs_sweep: Sweep, tmp_path: Path
) -> None:
    (found,) = recommend(compare((signs_sweep,)))
    assert found.best == 0.0001
    share = "failed for 4 of 20 seeds (20%, 95% Wilson interval 8% to 42%)"
    assert found.headline.startswith("Use lr=0.0001: best val/loss 0.3") and found.headline.endswith(f"{share}.")
    assert "(mean of 16 seeds, 95% interval" in found.headline
    assert "lr=0.0001 " + share in found.warnings[0] and "no safe choice" in found.warnings[0]
    assert any(
        warning.startswith("lr=0.001 reached 0.2")
        and "failed for 16 of 20 seeds (80%, 95% Wilson interval 58% to 92%): not recommended." in warning
        for warning in found.warnings
    )
    assert isinstance(found.low, float) and isinstance(found.high, float)
    assert 0.00001 < found.low < 0.0001 < found.high < 0.01, "0.01 failed for all"
    assert found.evidence == "tentative"
    files = write_report(signs_sweep, tmp_path / "report")
    assert share in files.note_markdown
    page = (tmp_path / "report" / "report.html").read_text()
    assert share in page


def test_seeds_of_a_schedule_are_one_mark_with_an_interval(schedules_sweep: Sweep) -> None:
    comparison: Comparison = compare((schedules_sweep,))
    assert (comparison.x_axis, comparison.numeric, comparison.seeds) == ("scheduler", False, 5)
    (group,) = comparison.groups
    assert [(cell.label, len(cell.rows)) for cell in group.cells] == [("constant", 5), ("cosine", 5), ("step", 5)]
    assert all(cell.best is not None and cell.best.n == 5 and cell.best.low < cell.best.high for cell in group.cells)
    figure_data = figure_data_of(comparison, None, points=100)
    assert [mean.estimate.n for mean in figure_data.losses[0].means[0]] == [5, 5, 5]
    (found,) = recommend(comparison)
    assert found.best == "cosine"
    assert "mean of 5 seeds, 95% interval" in found.headline
    ranking = ranking_of(comparison, (found,))
    assert ranking is not None and ranking.title == "Schedules on equal footing"
    assert [standing.label for standing in ranking.standings] == ["cosine", "step", "constant"]
    assert ranking.standings[2].difference is not None and ranking.standings[2].difference.n == 5


@pytest.mark.long
def test_more_than_64_members_are_all_in_the_report(store_project: Path, tmp_path: Path) -> None:
    sweep = _stored(store_project, many(rates=14), ("lr", "seed"), ("lr=logspace", "seed=range(5)"))
    files = write_report(sweep, tmp_path / "report")
    assert len(json.loads((tmp_path / "report" / "members.json").read_text())["members"]) == 70
    page = tmp_path / "report" / "report.html"
    assert page.stat().st_size < 900_000
    assert "Use lr=" in files.note_markdown
