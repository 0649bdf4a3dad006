"""The GitHub Actions file of docs/recipes.md: its own commands, one after the other, against a registered champion."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from processes import run_program
from servers import empty_store

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PROGRAMS = {"train": "train.py", "check": "scripts/check.py", "register": "scripts/register.py"}


def commands() -> list[str]:
    """What its steps run, in their order."""
    (block,) = re.findall(
        r"```yaml\n# \.github/workflows/.*?\n(.*?)```", (ROOT / "docs/recipes.md").read_text(), re.DOTALL
    )
    (job,) = yaml.safe_load(block)["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def typed(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    program, subcommand, *words = shlex.split(command)
    assert program == "lrscope"
    own = {"LRSCOPE_ROOT": str(project), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    return run_program([str(ROOT / PROGRAMS[subcommand]), *words], project, inherited | own)


def test_its_commands_pass_a_training_that_is_as_good_and_fail_one_that_is_worse(tmp_path: Path) -> None:
    shutil.copy(empty_store(), tmp_path / "mlflow.db")
    install, train, check = commands()
    assert install == "pip install ."
    first = typed(tmp_path, f"{train} trainer=cpu sweep.report=false")
    assert first.returncode == 0, first.stderr
    (sweep,) = re.findall(r"sweep ([0-9a-f]{32}):", first.stdout + first.stderr)
    named = re.search(r"--baseline (\w+)@champion", check)
    assert named is not None
    registered = typed(tmp_path, f"lrscope register {sweep} {named[1]}")
    assert registered.returncode == 0, registered.stderr
    assert typed(tmp_path, f"{train} trainer=cpu sweep.report=false").returncode == 0
    passed = typed(tmp_path, check)
    assert passed.returncode == 0 and passed.stdout.startswith("no worse"), passed.stderr
    assert typed(tmp_path, f"{train} trainer=cpu sweep.report=false lr=0.0001").returncode == 0
    failed = typed(tmp_path, check)
    assert failed.returncode == 3 and failed.stdout.startswith("worse"), failed.stdout + failed.stderr
