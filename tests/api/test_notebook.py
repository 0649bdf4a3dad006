"""In a notebook, with the real kernel: a class of a cell trains, a sweep shows itself, a stop leaves the kernel."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
DEFINE, SWEEP, READ, TRAIN = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
CELLS = {
    "before": "import os, signal\nhandler, words = signal.getsignal(signal.SIGINT), dict(os.environ)",
    "define": DEFINE,
    "sweep": SWEEP,
    "read": READ,
    "train": TRAIN,
    "classes": "print(sorted(run.params['model._target_'] for run in sweep))",
    "stopped": """
try:
    lrscope.train("dataset=blobs", "epochs=100000", lr=0.1, model=Net)
except KeyboardInterrupt:
    print("stopped")
print(signal.getsignal(signal.SIGINT) is handler, dict(os.environ) == words)
""",
}
"""The examples of the page, one cell each, and what is asked about them."""


class Client(NotebookClient):
    """Sends the interrupt that a notebook's stop button sends, once the last cell trains."""

    folder: Path

    def stop_when_it_trains(self) -> None:
        runs = self.folder / "outputs" / "spool"
        known = set(runs.glob("*/events.jsonl"))
        while not any(b"train/loss" in file.read_bytes() for file in set(runs.glob("*/events.jsonl")) - known):
            time.sleep(0.05)
        os.kill(self.km.provisioner.pid, signal.SIGINT)


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What each cell of the notebook gave, by its name."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "mlflow.db").write_bytes(fresh_database.read_bytes())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS.values()])
    client = Client(notebook, timeout=280, resources={"metadata": {"path": str(folder)}})
    client.folder = folder
    environment = os.environ | {"LRSCOPE_ROOT": str(folder)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with client.setup_kernel(env=environment):
        for number, (name, cell) in enumerate(zip(CELLS, notebook.cells, strict=True)):
            stopper = threading.Thread(target=client.stop_when_it_trains, daemon=True)
            if name == "stopped":
                stopper.start()
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as error:
                pytest.fail(f"{name}: {error}")
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def text(outputs: list[Any], stream: str = "stdout") -> str:
    return "".join(output["text"] for output in outputs if output.get("name") == stream)


def test_a_class_of_a_cell_is_trained(shown: dict[str, Any]) -> None:
    assert text(shown["classes"]).strip() == "['__main__.Net', '__main__.Net']"


def test_a_sweep_shows_its_figure_and_its_table(shown: dict[str, Any]) -> None:
    (page,) = (output["data"]["text/html"] for output in shown["sweep"] if output["output_type"] == "execute_result")
    assert "data:image/png;base64" in page and "<table" in page and "lr=0.01" in page


def test_progress_is_seen(shown: dict[str, Any]) -> None:
    assert "2 members" in text(shown["sweep"])


def test_every_member_says_what_became_of_it(shown: dict[str, Any]) -> None:
    lines = text(shown["read"]).strip().splitlines()
    assert [line.split()[0] for line in lines] == ["lr=0.01", "lr=0.1"] and all("loss" in line for line in lines)
    assert "train loss" in text(shown["train"])


def test_the_stop_button_stops_the_training_and_leaves_the_kernel(shown: dict[str, Any]) -> None:
    assert text(shown["stopped"]).strip().splitlines()[-2:] == ["stopped", "True True"]
