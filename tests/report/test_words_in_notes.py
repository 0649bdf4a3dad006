"""``compare`` writes a sweep's note anew around whatever a person did to it on MLflow's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from lrscope.report.report_stored import report_stored
from lrscope.tracking.mlflow_store.kept_note import NOTE
from lrscope.tracking.mlflow_store.state_tag import STATE
from stored_sweeps import store_sweep, train

ABOVE, BEHIND = "my words above שלום\u200f", "my words behind \U0001f469\u200d\U0001f52c"


def _halves(note: str) -> tuple[str, str]:
    part, mark, rest = note.partition("<!-- lrscope ")
    assert mark
    return part, mark + rest


EDITS = {
    "around": lambda note: f"{ABOVE}\n\n{note}\n\n{BEHIND}",
    "mark deleted": lambda note: f"{ABOVE}\n\n{_halves(note)[0]}\n\n{BEHIND}",
    "half a mark": lambda note: f"{ABOVE}\n\n{_halves(note)[0]}{_halves(note)[1][:30]}\n\n{BEHIND} <!-- mine -->",
    "mark doubled": lambda note: f"{ABOVE}\n\n{note}\n{_halves(note)[1]}\n\n{BEHIND}",
    "part doubled": lambda note: f"{ABOVE}\n\n{note}\n{note}\n\n{BEHIND}",
    "first line changed": lambda note: f"{ABOVE}\n\nso: {note}\n\n{BEHIND}",
}


def test_words_around_it_survive_every_report(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    client = MlflowClient(uri)
    parent, _ = store_sweep(uri, [train(0.01, 0, 3), train(0.001, 0, 3)])
    client.set_tag(parent, STATE, '{"version":1}')
    report_stored([parent], uri)
    plain = client.get_run(parent).data.tags[NOTE]
    for name, edit in EDITS.items():
        client.set_tag(parent, NOTE, edit(plain))
        notes = []
        for _ in range(2):
            report_stored([parent], uri)
            notes.append(client.get_run(parent).data.tags[NOTE])
        assert notes[0] == notes[1], f"{name}: a second report adds nothing"
        assert notes[0].count(ABOVE) == notes[0].count(BEHIND) == 1, name
        assert plain in notes[0], f"{name}: lrscope's part is whole"
        if name == "around":
            assert notes[0] == edit(plain)


def test_what_was_written_within_its_part_is_replaced(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    client = MlflowClient(uri)
    parent, _ = store_sweep(uri, [train(0.01, 0, 3), train(0.001, 0, 3)])
    report_stored([parent], uri)
    plain = client.get_run(parent).data.tags[NOTE]
    client.set_tag(parent, NOTE, f"{ABOVE}\n\n{plain.replace('###', 'within ###', 1)}\n\n{BEHIND}")
    report_stored([parent], uri)
    assert client.get_run(parent).data.tags[NOTE] == f"{ABOVE}\n\n{plain}\n\n{BEHIND}"


@pytest.mark.usefixtures("store_project")
def test_the_description_of_an_experiment_keeps_words_that_begin_as_a_verdict_does(store_project: Path) -> None:
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    client = MlflowClient(uri)
    parent, _ = store_sweep(uri, [train(0.01, 0, 3), train(0.001, 0, 3)])
    experiment = client.get_run(parent).info.experiment_id
    client.set_experiment_tag(experiment, NOTE, f"## Trained\n\n{ABOVE}")
    report_stored([parent], uri)
    assert client.get_experiment(experiment).tags[NOTE].endswith(f"## Trained\n\n{ABOVE}")
