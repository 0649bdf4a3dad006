"""``lrscope reproduce --code`` of a run from a working tree with changes that no commit has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from servers import empty_store

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (Path(__file__).parents[2] / ".git").exists(), reason="not a git checkout"),
]

ROOT = Path(__file__).parents[2]
MLP = "src/lrscope/models/mlp.py"


@dataclass(frozen=True)
class Checkout:
    """A repository of its own with the code of this one, and a run of it that was made while MLP was changed."""

    folder: Path
    run_id: str

    def git(self, *words: str) -> str:
        own = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(["git", *own, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def typed(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of this checkout's code, not of the tests'."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
        own = {"PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
        return subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=inherited | own, capture_output=True, text=True, check=False
        )

    def reproduce(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.typed("scripts/reproduce.py", self.run_id, *words)

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Its user has settings of git that give differences another form, and has gone on with the work since."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), "")
    listed = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "src",
        "conf",
        "scripts",
        "train.py",
    ]
    for name in filter(
        None, subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    ):
        if (ROOT / name).is_file():
            (checkout.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout.folder / name)
    (checkout.folder / ".gitignore").write_text("mlflow.db*\nmlruns/\noutputs/\n__pycache__/\n")
    shutil.copy(empty_store(), checkout.folder / "mlflow.db")
    checkout.git("init", "-q")
    checkout.git("config", "diff.noprefix", "true")
    checkout.git("config", "color.ui", "always")
    checkout.git("add", ".")
    checkout.git("commit", "-qm", "first")
    module = checkout.folder / MLP
    before = module.read_text()
    changed = before.replace("return self.layers(inputs)", "return self.layers(inputs) * 0.5")
    assert changed != before
    module.write_text(changed)
    done = checkout.typed("train.py", "dataset=blobs", "epochs=2", "trainer=cpu", "callbacks.progress=none")
    assert done.returncode == 0, done.stderr
    module.write_text(before + "\n# the work went on\n")
    checkout.git("commit", "-qam", "second")
    return Checkout(checkout.folder, done.stdout.split("MLflow run ")[1][:32])


def test_with_its_difference_it_trains_the_same(dirty: Checkout) -> None:
    done = dirty.reproduce("--code", "--diff")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "all 76 losses and the final weights equal, bit for bit" in done.stdout
    assert "commit: " in done.stdout and "uncommitted changes: " in done.stdout
    assert dirty.git("worktree", "list").count("\n") == 0 and not dirty.git("status", "--porcelain")


def test_without_it_the_numbers_differ_and_it_is_told(dirty: Checkout) -> None:
    done = dirty.reproduce("--code")
    assert done.returncode == 3, done.stderr + done.stdout
    assert "changes that were not committed: its artifact git.diff" in done.stderr
    assert "beyond rounding: " in done.stdout


def test_a_difference_that_does_not_fit_is_refused(dirty: Checkout) -> None:
    (stored,) = dirty.folder.glob(f"mlruns/*/{dirty.run_id}/artifacts/git.diff")
    kept = stored.read_text()
    stored.write_text(kept.replace(" def forward", " def backward"))
    try:
        done = dirty.reproduce("--code", "--diff")
    finally:
        stored.write_text(kept)
    assert done.returncode == 2
    assert "its git.diff does not fit its commit" in done.stderr and "Leave --diff out" in done.stderr
    assert dirty.git("worktree", "list").count("\n") == 0


def test_a_commit_that_is_not_here_is_refused(dirty: Checkout) -> None:
    commit = dirty.client.get_run(dirty.run_id).data.tags["mlflow.source.git.commit"]
    dirty.client.set_tag(dirty.run_id, "mlflow.source.git.commit", "f" * 40)
    try:
        done = dirty.reproduce("--code", "--diff")
    finally:
        dirty.client.set_tag(dirty.run_id, "mlflow.source.git.commit", commit)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "this repository has no commit ffffffffffff" in done.stderr and "git fetch" in done.stderr


def test_diff_without_code_is_refused(dirty: Checkout) -> None:
    done = dirty.reproduce("--diff")
    assert done.returncode == 2 and "--diff" in done.stderr
