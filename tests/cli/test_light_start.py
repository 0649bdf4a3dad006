"""``--help`` and ``--cfg job`` answer at once: they load neither torch, lightning nor mlflow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import CHECKOUT, type_command

HEAVY = {
    *("torch", "torchmetrics", "lightning", "lightning_fabric", "pytorch_lightning", "mlflow"),
    *("numpy", "pandas", "scipy", "sklearn", "matplotlib", "PIL", "h5py", "sqlalchemy", "requests", "joblib"),
}


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"]], ids=["help", "cfg"])
def test_nothing_heavy_is_loaded(tmp_path: Path, words: list[str]) -> None:
    typed = type_command(tmp_path, *words, program=["-X", "importtime", str(CHECKOUT / "train.py")])
    assert typed.code == 0, typed.err
    loaded = {name.split(".")[0] for name in re.findall(r"\| +([\w.]+)$", typed.err, re.MULTILINE)}
    assert {"hydra", "lrscope"} <= loaded
    assert not loaded & HEAVY


def test_a_store_that_is_away_is_told_before_anything_slow_is_loaded(tmp_path: Path) -> None:
    words = ["-m", "lr=1,0.1", "tracking.uri=http://127.0.0.1:9"]
    typed = type_command(tmp_path, *words, program=["-X", "importtime", str(CHECKOUT / "train.py")])
    assert typed.code == 2
    loaded = {name.split(".")[0] for name in re.findall(r"\| +([\w.]+)$", typed.err, re.MULTILINE)}
    assert not loaded & {"torch", "pytorch_lightning", "mlflow", "sklearn", "pandas"}


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"]], ids=["help", "cfg"])
def test_little_is_loaded_beside_hydra(tmp_path: Path, words: list[str]) -> None:
    """A count, not a time: a third of a second on a quiet machine (docs/performance.md)."""
    typed = type_command(tmp_path, *words, program=["-X", "importtime", str(CHECKOUT / "train.py")])
    loaded = re.findall(r"\| +([\w.]+)$", typed.err, re.MULTILINE)
    assert len([name for name in loaded if name.startswith("lrscope")]) < 30
    assert len(loaded) < 450


def test_help_tells_what_can_be_chosen(tmp_path: Path) -> None:
    shown = type_command(tmp_path, "--help").out
    for words in ("dataset", "digits", "experiment", "warmup_cosine", "python train.py -m lr=1,0.01,0.0001"):
        assert words in shown, words


def test_cfg_shows_the_top_of_the_config(tmp_path: Path) -> None:
    shown = type_command(tmp_path, "--cfg", "job").out
    for line in ("lr: 0.001", "seed: 0", "epochs: ${lrscope_epochs:${max_steps}}", "batch_size: 32"):
        assert f"\n{line}\n" in shown, line
    assert "\nepochs: 50\n" in type_command(tmp_path, "--cfg", "job", "--resolve").out
    assert "\nepochs: null\n" in type_command(tmp_path, "max_steps=100", "--cfg", "job", "--resolve").out
