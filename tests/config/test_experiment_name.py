"""What MLflow's experiment is called: by the data, also where they are made by the user's own function."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config import schema
from lrscope.core.paths import shipped_conf


@pytest.fixture(autouse=True)
def _conf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        yield


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "digits"),
        (("dataset=blobs",), "blobs"),
        (("dataset=table", "dataset.path=data/houses.csv"), "houses"),
        (("dataset=openml", "dataset.name=wine"), "wine"),
        (("dataset._target_=mine.rings",), "rings"),
        (("dataset._target_=mine.Rings", "dataset=line"), "Rings"),
        (("dataset._target_=mine.rings", "dataset.name=two_rings"), "two_rings"),
        (("dataset._target_=mine.rings", "~dataset.name"), "rings"),
        (("dataset._target_=mine.rings", "experiment_name=typed"), "typed"),
        (("dataset._target_=mine.load_digits",), "digits"),
        (("dataset._target_=lrscope.datasets.blobs.blobs",), "blobs"),
    ],
)
def test_an_experiment_has_the_name_of_the_data(words: tuple[str, ...], name: str) -> None:
    assert compose("train", list(words)).experiment_name == name


def test_mlflows_own_variable_goes_before_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from_outside")
    assert compose("train", ["dataset._target_=mine.rings"]).experiment_name == "from_outside"


def test_a_data_set_of_the_users_conf_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("_target_: mine.rings\nseed: 0\n")
    words = [f"hydra.searchpath=[file://{tmp_path}]", "dataset=mine"]
    assert compose("train", words).experiment_name == "rings"


def test_a_function_that_takes_a_name_is_told_the_one_of_its_data() -> None:
    from lrscope.config.overrides import run_config
    from lrscope.training.build import source

    words = [
        f"dataset._target_={__name__}.cloud",
        "+dataset.examples=8",
        "~dataset.seed",
        "~dataset.val_fraction",
        "batch_size=4",
    ]
    data = source(run_config(compose("train", words), words)).data
    assert data is not None and data.name == "cloud"


def cloud(name: str, examples: int) -> Any:
    import torch

    from lrscope.datasets.data import Data, Part

    part = Part(torch.zeros(examples, 2), torch.arange(examples) % 2)
    return Data(name, "classification", part, part, classes=("a", "b"), source="made here")
