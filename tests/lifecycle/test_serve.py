"""From a trained run to answers over HTTP: what MLflow's scoring server says is what the network says in process."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from processes import run_program
from servers import empty_store, free_port

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def environment(project: Path) -> dict[str, str]:
    own = {"LRSCOPE_ROOT": str(project), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    return {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))} | own


def typed(project: Path, *words: str) -> str:
    """What a command prints; it must end well."""
    done = run_program(list(words), project, environment(project))
    assert done.returncode == 0, done.stderr
    return done.stdout


def trained(project: Path, name: str, *words: str) -> Path:
    """Train a lone run, register it under the name, and say where its last checkpoint lies."""
    said = typed(project, str(ROOT / "train.py"), "epochs=20", "trainer=cpu", "callbacks.progress=none", *words)
    run_id = said.split("MLflow run ")[1][:32]
    typed(project, str(ROOT / "scripts/register.py"), run_id, name, "--force")
    (last,) = project.glob(f"mlruns/*/{run_id}/artifacts/checkpoints/last.ckpt")
    return last


@contextmanager
def served(project: Path, name: str) -> Iterator[str]:
    """The address that takes examples, while the server runs."""
    port = free_port()
    command = [sys.executable, str(ROOT / "scripts/serve.py"), name, "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(project), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        lines = []
        while not lines or "Ctrl-C" not in lines[-1]:
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        yield f"http://127.0.0.1:{port}/invocations"
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def ask(address: str, content: Any) -> tuple[int, Any]:
    """Status and answer to some JSON."""
    request = urllib.request.Request(address, json.dumps(content).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_rows_of_a_table_over_http(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    random = np.random.default_rng(0)
    rows = [
        (round(float(rooms), 2), town, "dear" if (rooms > 5) == (town == "Bern") else "cheap")
        for rooms, town in zip(random.uniform(1, 9, 200), random.choice(["Bern", "Chur"], 200), strict=True)
    ]
    lines = ["rooms,town,price", *(f"{rooms},{town},{price}" for rooms, town, price in rows)]
    (tmp_path / "houses.csv").write_text("\n".join(lines))
    words = ("dataset=table", f"dataset.path={tmp_path / 'houses.csv'}", "dataset.target=price", "lr=0.03")
    last = trained(tmp_path, "houses", *words)
    with served(tmp_path, "houses") as address:
        asked = [{"rooms": 2.5, "town": "Bern"}, {"rooms": 8, "town": "Chur"}, {"rooms": None, "town": "Genf"}]
        status, said = ask(address, {"dataframe_records": asked})
        bad, why = ask(address, {"dataframe_records": [{"rooms": 2.5}]})
        worse, told = ask(address, {"dataframe_records": [{"rooms": "many", "town": "Bern"}]})
        none, _ = ask(address, {"something": "else"})
    assert status == 200
    expected = expected_of_the_table(tmp_path, last, asked)
    assert [one["class"] for one in said["predictions"]] == [one["class"] for one in expected]
    notes = [one["note"] for one in said["predictions"]]
    assert notes[:2] == ["", ""] and "town 'Genf' is unknown: taken for none" in notes[2]
    shares = [one["probability"] for one in expected]
    assert [one["probability"] for one in said["predictions"]] == pytest.approx(shares, rel=1e-5)
    assert (bad, worse, none) == (400, 400, 400)
    assert "town" in why["message"] and "rooms" in told["message"]


def expected_of_the_table(project: Path, last: Path, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The network's answers in process, from the weights of the checkpoint."""
    import pandas as pd

    from lrscope.datasets.table import table
    from lrscope.models.mlp import MLP

    data = table(path=str(project / "houses.csv"), target="price")
    network = MLP(data.input_shape, data.outputs)
    weights = torch.load(last, weights_only=True)["state_dict"]
    network.load_state_dict({key.removeprefix("network."): value for key, value in weights.items()})
    assert data.preprocessing is not None
    with torch.no_grad():
        shares = network.eval()(data.preprocessing.inputs(pd.DataFrame(asked))).softmax(1)
    return [
        {"class": data.classes[number], "probability": share}
        for share, number in zip(*(found.tolist() for found in shares.max(1)), strict=True)
    ]


def test_a_batch_of_images_over_http(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    random = np.random.default_rng(0)
    files: dict[str, bytes] = {}
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = (random.normal(level, 20, (12, 12))).clip(0, 255).astype(np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            (tmp_path / "photos" / name / f"{number}.png").write_bytes(file.getvalue())
            files[name] = file.getvalue()
    words = ("dataset=images", f"dataset.path={tmp_path / 'photos'}", "dataset.size=8", "dataset.channels=1")
    trained(tmp_path, "photos", *words, "model=linear", "lr=0.05", "batch_size=8")
    batch = [{"image": base64.b64encode(files[name]).decode()} for name in ("light", "dark", "light")]
    with served(tmp_path, "photos@champion") as address:
        status, said = ask(address, {"dataframe_records": batch})
        broken, why = ask(address, {"dataframe_records": [{"image": base64.b64encode(b"no image").decode()}]})
    assert (status, [one["class"] for one in said["predictions"]]) == (200, ["light", "dark", "light"])
    assert broken == 400 and "example 0 is no image that can be read" in why["message"]


def test_what_is_not_registered_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    done = run_program([str(ROOT / "scripts/serve.py"), "nothing"], tmp_path, environment(tmp_path))
    assert done.returncode == 2
    assert "nothing is registered under this name" in done.stderr and len(done.stderr.splitlines()) == 1
