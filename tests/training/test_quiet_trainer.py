"""What Lightning would say at every start and no user of lrscope needs."""

import os
import warnings
from pathlib import Path

import pytest

from lrscope.training.trainer import make_trainer
from runs.single_runs import compose_config


def test_slurm_beside_a_training_of_this_machine_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "srun"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        make_trainer(compose_config("dataset=blobs"))
    assert [str(one.message) for one in told] == []
