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
        process.terminate()  # not killed: it ends its own server
        process.wait(120)
        process.stdout.close()  # type: ignore[union-attr]


NO_EXAMPLES: dict[str, bytes] = {
    "no JSON": b"{nope",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "a number": b"3",
    "null": b"null",
    "no examples": b'{"something": 1}',
    "no records": b'{"dataframe_records": []}',
    "no inputs": b'{"inputs": []}',
    "records that are none": b'{"dataframe_records": "x"}',
    "an empty record": b'{"dataframe_records": [{}]}',
    "records of another table": b'{"dataframe_records": [{"another": 1}]}',
    "a shape of its own": b'{"inputs": [[[[1]]], [[[1, 2]]]]}',
}
"""What is refused whatever the model."""


def refused(address: str, more: dict[str, Any]) -> None:
    """Every one of these is a 400 with a reason; and the server goes on."""
    for name, content in {**NO_EXAMPLES, **{name: json.dumps(one).encode() for name, one in more.items()}}.items():
        status, why = ask(address, content)
        assert (status, bool(why["message"])) == (400, True), (name, status, why)


def ask(address: str, content: Any) -> tuple[int, Any]:
    """Status and answer to some JSON, or to bytes as they are."""
    sent = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(address, sent, {"Content-Type": "application/json"})
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
        refused(address, {"a list for a number": {"dataframe_records": [{"rooms": [2], "town": "Bern"}]}})
    assert status == 200
    expected = expected_of_the_table(tmp_path, last, asked)
    assert [one["class"] for one in said["predictions"]] == [one["class"] for one in expected]
    notes = [one["note"] for one in said["predictions"]]
    assert notes[:2] == ["", ""] and "town 'Genf' is unknown: taken for none" in notes[2]
    shares = [one["probability"] for one in expected]
    assert [one["probability"] for one in said["predictions"]] == pytest.approx(shares, rel=1e-5)
    assert (bad, worse) == (400, 400)
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
        cut = base64.b64encode(files["dark"][:60]).decode()
        refused(address, {one: {"dataframe_records": [{"image": one}]} for one in ("", "!!", 5, None, cut)})
    assert (status, [one["class"] for one in said["predictions"]]) == (200, ["light", "dark", "light"])
    assert broken == 400 and "example 0 is no image that can be read" in why["message"]


def test_texts_over_http(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    lines = [f'"so {mood}, n{number}",{mood}' for number in range(40) for mood in ("good", "bad")]
    (tmp_path / "moods.csv").write_text("\n".join(["text,mood", *lines]))
    words = ("dataset=sequences", f"dataset.path={tmp_path / 'moods.csv'}", "dataset.target=mood", "lr=0.01")
    trained(tmp_path, "moods", *words, "model=gru", "model.hidden=16", "batch_size=8")
    asked = ["so good", "Bad", "so GOOD , never seen", "bad " * 3000]
    with served(tmp_path, "moods") as address:
        status, said = ask(address, {"dataframe_records": [{"text": text} for text in asked]})
        refused(address, {str(one): {"dataframe_records": [{"text": one}]} for one in (None, ["good"], {"a": 1}, 1.5)})
        missing, why = ask(address, {"dataframe_records": [{"txt": "so good"}]})
    assert (status, [one["class"] for one in said["predictions"]]) == (200, ["good", "bad", "good", "bad"])
    assert missing == 400 and "missing inputs ['text']" in why["message"]


def test_arrays_of_another_shape_over_http(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    trained(tmp_path, "digits", "dataset=digits", "model=linear")
    shapes = {
        "flat": (2, 64),
        "one": (1, 8, 8),
        "narrow": (2, 1, 7, 8),
        "in colour": (1, 3, 8, 8),
        "none": (0, 1, 8, 8),
    }
    with served(tmp_path, "digits") as address:
        status, said = ask(address, {"inputs": np.zeros((2, 1, 8, 8)).tolist()})
        refused(address, {name: {"inputs": np.zeros(shape).tolist()} for name, shape in shapes.items()})
        refused(
            address,
            {
                "words": {"inputs": [["a"]]},
                "nan": {"inputs": np.full((1, 1, 8, 8), np.nan).tolist()},
                "infinity": {"inputs": [np.inf]},
            },
        )
    assert status == 200 and len(said["predictions"]) == 2


def test_what_is_not_registered_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    done = run_program([str(ROOT / "scripts/serve.py"), "nothing"], tmp_path, environment(tmp_path))
    assert done.returncode == 2
    assert "nothing is registered under this name" in done.stderr and len(done.stderr.splitlines()) == 1
