"""A run that is resumed finds the data that it began with, or says that they have changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.core.paths import shipped_conf
from lrscope.runs.prepare import prepare
from lrscope.runs.resume import check_same_data
from lrscope.tracking.find import StoredRun


def table(file: Path, *words: str) -> Any:
    words = ("dataset=table", f"dataset.path={file}", "dataset.target=price", "dataset.name=h", *words)
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        return run_config(compose("train", list(words)), words)


def written(file: Path, last: int) -> Path:
    file.write_text("size,price\n" + "\n".join(f"{k},{100 * k}" for k in range(39)) + f"\n40,{last}\n")
    return file


def stored(cfg: Any) -> StoredRun:
    run = prepare(cfg, Job(Path(), ()))
    tags = {"lrscope.fingerprint": run.fingerprint, "lrscope.facts": run.facts.to_json()}
    return StoredRun("id", "id", "lr=0.1", "run", "KILLED", tags=tags)


def test_a_file_that_changed_is_no_way_to_go_on(tmp_path: Path) -> None:
    begun = stored(table(written(tmp_path / "a.csv", 4000), "lr=0.1"))
    moved = table(written(tmp_path / "b.csv", 4000), "lr=0.1")
    check_same_data([moved], [begun])  # the same rows in another place
    check_same_data([table(written(tmp_path / "c.csv", 7), "lr=0.2")], [begun])  # another run
    with pytest.raises(InputError, match=r"c\.csv: the data has changed since .* began \(digest \w+, now \w+\)"):
        check_same_data([moved, table(tmp_path / "c.csv", "lr=0.1")], [begun])


def test_a_run_that_says_nothing_of_its_data_goes_on(tmp_path: Path) -> None:
    cfg = table(written(tmp_path / "a.csv", 4000))
    check_same_data([cfg], [StoredRun("id", "id", "old", "run", "KILLED", tags={"lrscope.fingerprint": "0" * 16})])
