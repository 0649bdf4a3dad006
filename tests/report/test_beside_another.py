"""``lrscope compare SWEEP SWEEP``: one page with what differs at its top, kept with and linked from both parents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_sweeps import member, sweep
from mlflow import MlflowClient

from lrscope.report.output.between_sweeps import differences, what_differs
from lrscope.report.report_stored import report_stored
from lrscope.tracking.mlflow_store.kept_note import NOTE
from stored_sweeps import store_sweep, train


def test_what_differs_is_told_and_nothing_else() -> None:
    shared = {"optimizer.name": "adam", "tracking.uri": "a"}
    one = sweep([member(r, [r], params={**shared, "lr": f"{r:g}", "epochs": "5"}) for r in (0.1, 0.2)])
    other = sweep([member(0.3, [0.3], params={**shared, "tracking.uri": "b", "lr": "0.3"})])
    one, other = replace(one, commit="a" * 40, user="anna"), replace(other, commit="b" * 40, user="anna")
    assert differences([one, other]) == [
        ("lr", "0.1, 0.2", "0.3"),
        ("epochs", "5", "–"),
        ("commit", "a" * 12, "b" * 12),
    ]
    assert what_differs([one]) == "" and "Nothing that is recorded." in what_differs([one, one])


def test_text_of_the_store_is_escaped() -> None:
    wicked = sweep([member(0.1, [0.1], params={"optimizer.name": "<script>"})])
    assert "<script>" not in what_differs([wicked, sweep([member(0.1, [0.1])])])


def test_both_parents_have_the_page_and_a_link_that_stays(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    runs = [train(0.01, 0, 3), train(0.001, 0, 3)]
    first, _ = store_sweep(uri, runs, params={"optimizer.name": "adam"})
    second, _ = store_sweep(uri, runs, params={"optimizer.name": "sgd"})
    client = MlflowClient(uri)
    report_stored([first], uri)
    for _ in range(2):
        done = report_stored([first, second], uri)
        assert done.not_kept == ""
    page = done.files.html.read_text()
    assert "<h2>What differs</h2>" in page and page.index("What differs") < page.index("<h2>Loss against")
    report_stored([first], uri)
    for parent, other in ((first, second), (second, first)):
        (kept,) = client.list_artifacts(parent, f"report/beside-{other[:8]}")
        assert kept.path.endswith("report.html") and kept.file_size == len(done.files.html.read_bytes())
        link = f"[Compared with {other[:8]}](get-artifact?path={kept.path}&run_uuid={parent})"
        assert client.get_run(parent).data.tags[NOTE].count(link) == 1, "also after its own report was made again"


@pytest.mark.usefixtures("store_project")
def test_dry_writes_nothing_to_the_store(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    both = [store_sweep(uri, [train(0.01, 0, 2)])[0] for _ in range(2)]
    report_stored(both, uri, keep=False)
    assert not any(NOTE in MlflowClient(uri).get_run(parent).data.tags for parent in both)
