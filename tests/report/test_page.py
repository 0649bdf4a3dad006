"""What stands on the page beside figures and tables: the head, the sentences, words explained, links."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from made_sweeps import member, sweep

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.data.addresses import run_page
from lrscope.report.data.stored_sweep import Member, Sweep
from lrscope.report.output.glossary import TERMS, explained
from lrscope.report.output.head import facts_of
from lrscope.report.output.interesting import MOST_ROWS, Folded, interesting
from lrscope.report.output.report import report_of
from lrscope.report.output.report_files import write_report

PARAMS = {
    "dataset.name": "digits", "model._target_": "lrscope.models.mlp.MLP", "model.hidden": "[25, 12]",
    "optimizer._target_": "torch.optim.SGD", "optimizer.momentum": "0.9", "optimizer.weight_decay": "0.0",
    "scheduler.name": "cosine", "epochs": "1000", "batch_size": "32", "seed": "0",
}  # fmt: skip


def trained(rate: float, loss: float, **params: str) -> Member:
    made = member(rate, [1.0, loss], params={**PARAMS, "lr": f"{rate:g}", **params})
    return replace(made, trace=Trace(made.trace.series, RunFacts(examples=1437, parameters=2067)))


def made() -> Sweep:
    slow = replace(trained(0.0001, 0.9), verdict=Verdict.TOO_SLOW)
    found = sweep([slow, trained(0.01, 0.3)], run_id="f" * 32)
    return replace(found, user="anna", commit="0123456789abcdef", started=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


def test_the_head_says_what_was_trained_by_whom_and_from_what() -> None:
    facts = {fact.name: fact.value for fact in facts_of(compare((made(),)))}
    assert facts == {
        "data": "digits, 1,437 to train on", "model": "MLP 25-12, 2,067 parameters", "optimizer": "SGD, momentum 0.9",
        "schedule": "cosine", "epochs": "1,000", "batch size": "32", "updates": "20", "seed": "0", "members": "2",
        "who": "anna", "when": "2026-01-02 03:04 UTC", "commit": "0123456789",
    }  # fmt: skip


def test_what_was_swept_does_not_stand_in_the_head() -> None:
    two = sweep([trained(0.1, 0.3, epochs="5"), trained(0.1, 0.4, epochs="10")], ("epochs",))
    facts = {fact.name: fact.value for fact in facts_of(compare((two,)))}
    assert "epochs" not in facts and facts["rate"] == "0.1"


def test_a_sweep_of_which_nothing_is_known_has_a_head_too() -> None:
    bare = sweep([member(0.1, [0.4])])
    assert [fact.name for fact in facts_of(compare((bare,)))] == ["data", "updates", "members"]
    assert [fact.value for fact in facts_of(compare((sweep([]),)))] == ["digits", "0"]


def test_the_page_tells_why_and_links_every_run(tmp_path: Path) -> None:
    page = write_report(made(), tmp_path, figures=False).html.read_text()
    assert page.index('class="headline"') < page.index("Where the others fell short") < page.index('id="losses"')
    for one in made().members:
        address = run_page(made(), one.run_id)
        assert address.endswith(f"/runs/{one.run_id}?workflowType=machine_learning")
    linked = re.findall(r'href="([^"]*)"', page)
    assert len(linked) == 3, "the sweep and its two members"
    assert all(address.startswith("http://127.0.0.1:5000/#/experiments/1/runs/") for address in linked)


def test_a_word_is_explained_once_in_a_sentence_and_the_rest_is_escaped() -> None:
    text = explained("every unit is dead, dead units <b> and the spread")
    assert text.count("<abbr") == 2, "dead and dead units are one thing"
    assert "&lt;b&gt;" in text
    assert f'data-says="{escape(TERMS["spread"])}"' in text
    assert "<abbr" not in explained("deadline, widespread and spreading")


def test_every_verdict_is_explained_in_one_sentence() -> None:
    for verdict in Verdict:
        assert TERMS[verdict.label].endswith(".")
    assert all(text.count(". ") <= 1 for text in TERMS.values())


def test_every_member_is_a_click_away_where_rows_are_folded(tmp_path: Path) -> None:
    many = [member(0.001 * (i + 1), [0.9 - 0.01 * i]) for i in range(MOST_ROWS + 16)]
    report = report_of(sweep(many))
    rows = interesting(report.comparison.rows, report.best)
    (folded,) = [row for row in rows if isinstance(row, Folded)]
    assert folded.words == "36 more: trained"
    page = write_report(sweep(many), tmp_path, figures=False).html.read_text()
    whole = page[page.index('id="members"') :]
    assert whole.count("<tr data-row=") == len(many)
    assert f"All {len(many)} members" in page


def test_the_map_stands_in_the_place_of_the_figure(tmp_path: Path) -> None:
    two = [
        member(rate, [rate + float(decay)], settings={"lr": f"{rate:g}", "wd": decay})
        for decay in ("0", "1", "2")
        for rate in (0.1, 0.2)
    ]
    page = write_report(sweep(two, ("lr", "wd")), tmp_path).html.read_text()
    assert 'class="heat"' in page and 'id="losses"' not in page
    assert page.count('class="best-cell"') == 1
    assert page.count('class="headline"') == 3, "one card in sight, two folded"
    assert page.index("2 more settings") < page.index("Use lr=0.1 with wd=1")
