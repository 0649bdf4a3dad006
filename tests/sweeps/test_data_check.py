"""What is typed and the data do not read is refused; it takes the data to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from torch.utils.data import DataLoader, TensorDataset

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError
from lrscope.core.paths import shipped_conf
from lrscope.sweeps.check import raise_problems


class Own(pl.LightningDataModule):
    input_shape, outputs, task = (4,), 2, "classification"

    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self) -> Any:
        return DataLoader(TensorDataset(torch.randn(32, 4), torch.arange(32) % 2), self.batch_size)


def own() -> Own:
    """A function may give one, too."""
    return Own()


def told(*runs: list[str]) -> list[str]:
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        cfgs = [run_config(compose("train", ["tracking=off", "epochs=1", *words]), words) for words in runs]
    try:
        raise_problems(cfgs, typed=runs)
    except InputError as error:
        return str(error).splitlines()
    return []


DATA = [f"dataset._target_={__name__}.Own", "model=linear"]


@pytest.mark.parametrize("target", ["Own", "own"])
def test_a_batch_size_that_a_data_module_ignores(target: str) -> None:
    (line,) = told([f"dataset._target_={__name__}.{target}", "model=linear", "batch_size=16"])
    assert line.startswith("batch_size=16: the DataModule makes its own batches")
    assert "'+dataset.batch_size=${batch_size}'" in line


def test_one_that_it_refers_to_or_that_was_not_typed() -> None:
    assert told([*DATA, "+dataset.batch_size=${batch_size}", "batch_size=16"]) == []
    assert told(DATA) == []
    assert told([*DATA, "batch_size=16"], ["dataset=blobs", "batch_size=16"]) == [], "one member reads it"


@pytest.mark.parametrize("data", [DATA, ["dataset=line", "model=linear", "batch_size=4"]], ids=["own", "line"])
def test_a_metric_of_a_part_that_is_not_there(data: list[str]) -> None:
    (line,) = told([*data, "callbacks.checkpoint.monitor=val/loss"])
    assert "the data have no validation part. Try callbacks.checkpoint.monitor=train/loss_eval." in line
    assert told([*data, "callbacks.checkpoint.monitor=train/loss_eval"]) == []


@pytest.mark.parametrize("key", ["dataset.seed=3", "dataset.val_fraction=0.5"])
def test_a_draw_of_rows_that_a_file_of_their_own_makes_needless(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.csv").write_text("size,price\n" + "\n".join(f"{k},{100 * k}" for k in range(40)))
    words = ["dataset=table", f"dataset.path={tmp_path / 'a.csv'}", "dataset.target=price", "batch_size=null", key]
    assert told(words) == []
    (line,) = told([*words, f"dataset.val_path={tmp_path / 'a.csv'}"])
    assert line == f"{key}: the data has a validation part of its own. Leave it out."
