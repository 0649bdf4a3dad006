"""Files that a command names are found from the folder that it was started in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from lrscope.config.given_paths import whole_words
from lrscope.config.overrides import run_config
from lrscope.core.fingerprint import fingerprint


def path_of(desk: Path, target: str = "lrscope.datasets.table.table", **dataset: Any) -> dict[str, Any]:
    """The data set of a run, of a command that was started at that desk."""
    groups = {group: {"_target_": "torch.nn.Flatten"} for group in ("model", "optimizer", "scheduler")}
    hydra = {"runtime": {"cwd": str(desk), "choices": {}, "config_sources": []}}
    composed = OmegaConf.create({"dataset": {"_target_": target, **dataset}, **groups, "hydra": hydra})
    made: Any = OmegaConf.to_container(run_config(composed, []).dataset)
    return made


def test_a_relative_path_becomes_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "a.csv").write_text("x")
    found = path_of(tmp_path, path="a.csv", val_path="b.csv")
    assert found["path"] == str(tmp_path / "a.csv")
    assert found["val_path"] == "b.csv", "what does not lie there stays: the data set says so"


def test_paths_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    assert path_of(tmp_path, "mine.rows", path="a.csv")["path"] == "a.csv"


def test_words_that_another_folder_can_repeat(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x")
    words = ["dataset=table", "dataset.path=a.csv,b.csv", "dataset.val_path=c.csv", "lr=0.1,0.01"]
    whole = f"dataset.path={tmp_path / 'a.csv'},{tmp_path / 'b.csv'}"
    assert whole_words(words, tmp_path) == ["dataset=table", whole, "dataset.val_path=c.csv", "lr=0.1,0.01"]


def test_where_a_file_lies_makes_no_other_run() -> None:
    one, other = ({"dataset": {"path": place, "val_path": place}} for place in ("/a", "/b"))
    assert fingerprint(one, "digest") == fingerprint(other, "digest") != fingerprint(one, "another")


def test_a_folder_of_a_pretrained_network_gets_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "resnet18").mkdir()
    (tmp_path / "tiny" / "config.json").write_text("{}")
    words = ["model.name=tiny", "model.name=resnet18", "model.name=distilbert-base-uncased"]
    assert whole_words(words, tmp_path) == [f"model.name={tmp_path / 'tiny'}", *words[1:]]
