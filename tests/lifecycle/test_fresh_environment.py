"""A packed model loads and answers in an environment that has its logged requirements and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from processes import run_program
from servers import empty_store

ROOT = Path(__file__).parents[2]
BARE = {"cloudpickle", "mlflow", "numpy", "pandas", "torch"}

UNREACHED = ("No matching distribution", "Connection", "timed out", "Temporary failure", "HTTP error")
"""What pip says where it is pip's own matter that nothing came."""

ASK = """
import json, sys, mlflow
for folder, asked in json.loads(sys.argv[1]).items():
    import pandas as pd
    model = mlflow.pyfunc.load_model(folder)
    said = model.predict(pd.DataFrame(asked) if isinstance(asked, dict) else model.input_example)
    print("ANSWER", json.dumps(said.to_dict("list") if hasattr(said, "to_dict") else said.tolist()))
    print("BARE", type(mlflow.pytorch.load_model(folder)).__name__)
import lrscope
print("LRSCOPE", lrscope.__file__, hasattr(lrscope, "sweep"))
"""

NET = """
import inner.scales as scales
from torch import nn
from inner import Block

class Net(nn.Module):
    def __init__(self, input_shape, outputs):
        super().__init__()
        self.block = Block(input_shape[0], outputs)

    def forward(self, x):
        return scales.scaled(self.block(x))
"""


def typed(project: Path, *words: str) -> str:
    own = {"LRSCOPE_ROOT": str(project), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    done = run_program(list(words), project, inherited | own)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Any]:
    """Folders of models with what they are asked (None: their own example); the project that trained them is gone."""
    project, kept = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("kept")
    shutil.copy(empty_store(), project / "mlflow.db")
    (project / "houses.csv").write_text(
        "rooms,town,price\n"
        + "\n".join(f"{n % 9},{'Bern' if n % 2 else 'Chur'},{n % 9 * 3 + n % 2}" for n in range(60))
    )
    (project / "moods.csv").write_text(
        "text,mood\n" + "\n".join(f"so {word} n{n},{word}" for n in range(20) for word in ("good", "bad"))
    )
    (project / "net.py").write_text(NET)
    (project / "inner").mkdir()
    (project / "inner/__init__.py").write_text("from torch import nn\nclass Block(nn.Linear):\n    pass\n")
    (project / "inner/scales.py").write_text("FACTOR = 2.0\ndef scaled(x):\n    return x * FACTOR\n")
    table = ("dataset=table", "dataset.path=houses.csv", "dataset.target=price", "dataset.task=regression")
    texts = ("dataset=sequences", "dataset.path=moods.csv", "dataset.target=mood", "model=gru", "model.hidden=8")
    own = (*table, "model._target_=net.Net")
    asked = {"table": {"rooms": [2.0], "town": ["Chur"]}, "texts": {"text": ["so bad", "so good"]}, "own": None}
    found = {}
    for name, words in (("table", table), ("texts", texts), ("own", own)):
        command = (str(ROOT / "train.py"), *words, "epochs=2", "trainer=cpu", "callbacks.progress=none")
        run_id = typed(project, *command).split("MLflow run ")[1][:32]
        (model,) = (one for one in project.glob("mlruns/*/models/*/artifacts") if run_id in _meta(one))
        shutil.copytree(model, kept / name)
        found[kept / name] = asked[name]
    shutil.rmtree(project)
    return found


def _meta(artifacts: Path) -> str:
    return (artifacts / "MLmodel").read_text()


@pytest.fixture(scope="module")
def fresh(models: dict[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the requirements of the models, as pip installs them."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin/python"
    first, *rest = requirements(next(iter(models)))
    for words in ([first], rest):  # torch alone and first, as in the Makefile: so pip takes the CPU build
        options = ("-q", "--no-compile", "--disable-pip-version-check", "--retries", "1")
        install = [str(python), "-m", "pip", "install", *options, *words]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode and any(word in done.stderr for word in UNREACHED):
            pytest.skip(f"pip reaches no packages here: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
    return python


def requirements(model: Path) -> list[str]:
    return (model / "requirements.txt").read_text().split()


def answers(python: str | Path, models: dict[Path, Any]) -> list[str]:
    words = [str(python), "-I", "-W", "ignore", "-c", ASK, json.dumps({str(k): v for k, v in models.items()})]
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.long
def test_the_requirements_are_pinned_and_no_more_than_needed(models: dict[Path, Any]) -> None:
    for model in models:
        lines = requirements(model)
        assert {line.partition("==")[0] for line in lines} == BARE
        assert all("==" in line for line in lines) and lines[0].startswith("torch==")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_models_answer_where_nothing_but_their_requirements_is(models: dict[Path, Any], fresh: Path) -> None:
    there, here = answers(fresh, models), answers(sys.executable, models)
    assert [line for line in there if "BARE" in line] == ["BARE MLP", "BARE GRU", "BARE Net"]
    said, expected = ([json.loads(line[7:]) for line in lines if "ANSWER" in line] for lines in (there, here))
    assert said[1]["class"] == expected[1]["class"]
    assert said[1]["probability"] == pytest.approx(expected[1]["probability"], rel=1e-5)
    for one, other in ((said[0], expected[0]), (said[2], expected[2])):
        assert one[0] == pytest.approx(other[0], rel=1e-5)
    assert there[-1] == "LRSCOPE None False", "the files that came with the models"
    assert here[-1] == f"LRSCOPE {ROOT / 'src/lrscope/__init__.py'} True", "an installed lrscope is taken instead"
