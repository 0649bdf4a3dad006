"""What hangs on a verdict stands in ``core/verdict.py`` and its detector; everything else is derived from them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lrscope.core.verdict import Verdict
from lrscope.diagnosis.detectors import DETECTORS
from lrscope.report.figures.colours import MARKS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for tree in ("src", "scripts") for path in (ROOT / tree).rglob("*.py"))
ITS_OWN = (ROOT / "src/lrscope/core/verdict.py", ROOT / "src/lrscope/diagnosis/detectors")
LABELS = {verdict.label for verdict in Verdict}


def test_every_verdict_has_one_detector_and_the_detectors_stand_in_the_order_of_precedence() -> None:
    assert [detector.verdict for detector in DETECTORS] == [verdict for verdict in Verdict if verdict.name != "UNKNOWN"]


def test_a_verdict_is_drawn_as_its_own_file_says() -> None:
    assert {label: MARKS[label] for label in LABELS} == {v.label: v.meaning.mark for v in Verdict}
    words = list(MARKS)
    assert words.index("trained") < words.index("stalled") < words.index("diverged"), "from the best to the worst"


def test_the_docs_list_every_verdict_as_its_own_file_says() -> None:
    page = (ROOT / "docs/diagnosis.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert [(row[0], row[1], row[-1]) for row in rows[1 : len(Verdict) + 1]] == [
        (v.label, v.value, "failed" if v.failed else "") for v in Verdict
    ]
    assert all(row[2] and row[3] for row in rows[1 : len(Verdict) + 1]), "what one sees, and what to do"


def verdicts_named_in(path: Path) -> set[str]:
    """By the enum (``Verdict.STALLED``) or by the label, in code; prose may name what it likes."""
    tree = ast.parse(path.read_text())
    enum = {
        node.attr.lower().replace("_", " ")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Verdict"
    }
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return (enum | texts) & LABELS


def test_the_search_finds_what_it_looks_for() -> None:
    assert verdicts_named_in(ITS_OWN[1] / "schedule.py") == {"schedule never moved", "schedule ran out"}


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if not any(path.is_relative_to(own) for own in ITS_OWN)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_other_file_has_a_table_of_verdicts(path: Path) -> None:
    """One by name is an exception that this file makes; several are a table that the next verdict is missing from."""
    assert len(verdicts_named_in(path)) <= 1
