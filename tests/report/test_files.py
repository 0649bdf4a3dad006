from __future__ import annotations

import csv
import json
import math
import shlex
import struct
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_sweeps import member, sweep

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import Member, Sweep, gaps
from lrscope.report.figures.shown import NOTE_FIGURE
from lrscope.report.mlflow_ui.attach import LONGEST_NOTE, shortened
from lrscope.report.output.report_files import ReportFiles, write_report
from lrscope.report.output.sweep_note import _broken

EVIL = "<script>alert(1)</script>|`$(rm)`\n=cmd()"


def mixed() -> Sweep:
    """Trained, diverged, running, crashed, without a rate."""
    return sweep(
        [
            member(0.0001, [1.2, 0.9], verdict=Verdict.TOO_SLOW),
            member(0.01, [0.5, 0.3]),
            member(1, [1.9, math.nan], verdict=Verdict.DIVERGED, status="FAILED"),
            member(0.1, [0.8], status="RUNNING", verdict=None),
            member(0.2, [], status="FAILED", verdict=None),
        ],
        planned=6,
    )


class Page(HTMLParser):
    """The scripts, the texts and every address that the page would fetch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.figure_data = ""
        self._in_data = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.fetched += [str(found[name]) for name in ("src", "href") if found.get(name) and tag != "a"]
        self._in_data = found.get("id") == "figure-data"

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.figure_data += data

    def handle_endtag(self, tag: str) -> None:
        self._in_data = self._in_data and tag != "script"


def test_the_files(tmp_path: Path) -> None:
    files = write_report(mixed(), tmp_path / "new" / "report", themes=("light", "dark"))
    assert sorted(path.name for path in files.html.parent.iterdir()) == [
        "curves-dark.png", "curves.png", "loss_vs_rate-dark.png", "loss_vs_rate-note.png", "loss_vs_rate.png",
        "members.csv", "members.json", "report.html",
    ]  # fmt: skip
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in files.pngs)
    assert files.recommendation is not None
    assert files.recommendation.best == 0.01


def test_the_figure_and_the_commands_of_the_note_leave_the_page_its_room(tmp_path: Path) -> None:
    files = write_report(mixed(), tmp_path)
    width, _ = struct.unpack(">II", (tmp_path / NOTE_FIGURE).read_bytes()[16:24])
    assert width <= 680
    said = [command for _, command in files.recommendation.commands] if files.recommendation else []
    blocks = files.note_markdown.split("```")[1::2]
    assert said and [shlex.split(block) for block in blocks] == [shlex.split(command) for command in said]
    long = _broken("python train.py " + " ".join(f"key{number}={number}" for number in range(40)) + " '+note=a b  c'")
    assert max(map(len, long.splitlines())) <= 82 and shlex.split(long)[-1] == "+note=a b  c"


def test_csv_and_json_hold_full_precision(tmp_path: Path) -> None:
    third = 1 / 3
    files = write_report(sweep([member(third, [third]), member(1, [math.inf])]), tmp_path, figures=False)
    with files.csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["lr"]) == third
    assert float(rows[0]["final_val_loss"]) == third
    assert rows[1]["final_val_loss"] == "inf"
    data = json.loads(files.json.read_text())
    assert data["members"][0]["best_val_loss"] == third
    assert data["members"][1]["final_val_loss"] == "inf"
    assert data["recommendations"][0]["best"] == third


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    page = Page(write_report(mixed(), tmp_path, figures=False).html)
    assert page.fetched == []
    assert page.tags.count("script") == 2
    assert json.loads(page.figure_data)["rows"][0]["name"] == "lr=0.0001,seed=0"


def test_text_from_the_store_is_text_everywhere(tmp_path: Path) -> None:
    evil = replace(member(0.1, [0.4], name=EVIL), why=EVIL, params={"dataset.name": EVIL})
    made = replace(sweep([evil, member(0.2, [0.5])]), name=EVIL, overrides=(f"experiment_name={EVIL}",))
    files = write_report(made, tmp_path, figures=False)
    page = Page(files.html)
    assert page.tags.count("script") == 2
    assert json.loads(page.figure_data)["rows"][0]["name"] == EVIL
    assert "<script" not in "".join(files.note_markdown.split("```")[::2]), "outside of blocks of code"
    with files.csv.open(newline="") as file:
        assert next(csv.DictReader(file))["why"] == EVIL


def test_a_formula_in_a_name_stays_text_in_a_spreadsheet(tmp_path: Path) -> None:
    files = write_report(sweep([member(0.1, [0.4], name="=HYPERLINK(1)")]), tmp_path, figures=False)
    with files.csv.open(newline="") as file:
        assert next(csv.DictReader(file))["name"] == "'=HYPERLINK(1)"


def many(count: int, points: int) -> list[Member]:
    noise = np.random.default_rng(0)
    steps = np.arange(points)
    return [
        replace(
            member(10 ** (-4 + 4 * i / count), [0.5]),
            trace=Trace(
                {
                    name: Series(steps, noise.random(points) + 1e-3)
                    for name in ("train/loss", "val/loss", "val/acc", "lr")
                }
            ),
        )
        for i in range(count)
    ]


def test_64_members_fit_a_few_hundred_kilobytes(tmp_path: Path) -> None:
    files = write_report(sweep(many(64, 1000)), tmp_path, figures=False)
    assert files.html.stat().st_size < 700_000


@pytest.mark.parametrize(
    "members",
    [
        [],
        [member(0.1, [])],
        [member(0.1, [math.nan], verdict=Verdict.DIVERGED, status="FAILED")],
        [member(r, [1.8], verdict=Verdict.COLLAPSED) for r in (0.1, 1.0)],
        [member(r, [2.0, 1e6 * r], verdict=Verdict.DIVERGED, status="FAILED") for r in (1.0, 2.0)],
        [member(0.0, [0.4]), member(0.1, [0.5])],
        [member(0.1, [0.0]), member(0.2, [0.0])],
        [member(0.1, [-3.0]), member(0.2, [5.0])],
        [member(0.1, [1e300]), member(1, [3.5e12])],
        [member(0.1, [0.4], settings={"model": "a"}), member(0.1, [0.4], settings={"model": "b"})],
    ],
    ids=[
        "empty",
        "no curve",
        "nan",
        "all failed",
        "all ran away",
        "rate 0",
        "loss 0",
        "negative",
        "huge",
        "categories",
    ],
)
def test_no_sweep_is_too_odd_for_a_report(tmp_path: Path, members: list[Member]) -> None:
    axes = ("model",) if members and "model" in members[0].settings else ("lr",)
    files = write_report(sweep(members, axes), tmp_path)
    assert all(path.stat().st_size > 1000 for path in (files.html, *files.pngs))
    assert files.note_markdown.strip()


def test_what_is_missing_is_said() -> None:
    made = mixed()
    (crashed,) = [member for member in made.members if member.crashed]
    assert gaps(made) == (
        "1 of 6 planned members is not recorded.",
        "1 member (lr=0.1,seed=0) is still running.",
        f"1 member (lr=0.2,seed=0) crashed; traceback: artifact traceback.txt of run {crashed.run_id}.",
    )
    assert gaps(sweep([], deleted=2)) == ("No member of this sweep is recorded.", "2 members were deleted in MLflow.")
    assert gaps(sweep([member(0.1, [0.4])], planned=1)) == ()


def test_several_sweeps_side_by_side(tmp_path: Path) -> None:
    adam = sweep([member(r, [r], params={"optimizer.name": "adam"}) for r in (0.1, 0.2)], name="first")
    sgd = sweep([member(r, [r], params={"optimizer.name": "sgd"}) for r in (0.3, 0.4)], run_id="1" * 32, name="second")
    files = write_report([adam, sgd], tmp_path)
    assert [r.group for r in files.recommendations] == ["adam", "sgd"]
    assert "Settings side by side" in files.html.read_text()


def test_a_note_fits_a_tag() -> None:
    files_note = "".join(f"| {i} | é |\n" for i in range(2000))
    short = shortened(files_note)
    assert len(short.encode()) <= LONGEST_NOTE
    assert short.endswith("… more in the artifact `report/report.html`.")
    assert shortened("all") == "all"


def test_the_note_holds_recommendation_and_table(tmp_path: Path) -> None:
    note: ReportFiles = write_report(mixed(), tmp_path, figures=False)
    assert "## Use lr=0.01: best val/loss 0.3." in note.note_markdown
    assert "| 0.01 | trained | 0.3000 |" in note.note_markdown
