"""``lrscope reproduce``: a stored run trained again from what the store says, and compared bit for bit."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from registered import seeds

from lrscope.core.trace import Series
from lrscope.lifecycle.same_numbers import UNIT, Sameness, _both, _first, over_seeds
from processes import run_program
from servers import empty_store
from stored_sweeps import store_sweep

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
REPRODUCE = str(ROOT / "scripts/reproduce.py")


def typed(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"LRSCOPE_ROOT": str(project), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    return run_program(list(words), project, inherited | own)


def trained(project: Path, *words: str) -> None:
    done = typed(project, str(ROOT / "train.py"), "dataset=blobs", "epochs=2", "trainer=cpu", *words)
    assert done.returncode == 0, done.stderr


def runs(project: Path) -> dict[str, str]:
    """Ids by name, the newest of each name."""
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, order_by=["attributes.start_time ASC"])
    return {str(run.info.run_name): str(run.info.run_id) for run in found}


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one lone run, which a test may copy."""
    project = tmp_path_factory.mktemp("lone")
    shutil.copy(empty_store(), project / "mlflow.db")
    trained(project, "lr=0.02")
    return project


@pytest.fixture
def copied(lone: Path, tmp_path: Path) -> tuple[Path, str]:
    """That project in another folder, and the run's id: all that is absolute in it follows the move."""
    project = tmp_path / "project"
    shutil.copytree(lone, project)
    (run_id,) = runs(project).values()
    return project, run_id


@pytest.mark.long
def test_a_lone_run_is_the_same_bit_for_bit_and_points_at_the_old_one(copied: tuple[Path, str]) -> None:
    project, run_id = copied
    done = typed(project, REPRODUCE, run_id)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "all 76 losses and the final weights equal, bit for bit" in done.stdout
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_run(run_id).info.experiment_id
    (new,) = client.search_runs([experiment], f"tags.`lrscope.reproduces` = '{run_id}'")
    assert new.info.run_id != run_id and new.data.params["lr"] == "0.02"


@pytest.mark.long
def test_a_key_that_composes_to_something_else_here_is_told_and_set(copied: tuple[Path, str]) -> None:
    project, run_id = copied
    (project / "conf/model").mkdir(parents=True)
    option = (ROOT / "conf/model/mlp.yaml").read_text()
    assert "[25, 12]" in option
    (project / "conf/model/mlp.yaml").write_text(option.replace("[25, 12]", "[7]"))
    done = typed(project, REPRODUCE, run_id)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "model.hidden: [25, 12] -> [7]" in done.stdout
    assert "equal, bit for bit" in done.stdout
    typed_anew = typed(project, REPRODUCE, run_id, "seed=3")
    assert typed_anew.returncode == 3, "another seed is another training"
    assert "beyond rounding: " in typed_anew.stdout and "no other seeds" in typed_anew.stdout


@pytest.mark.long
def test_a_member_trained_batched_is_the_same_within_rounding(tmp_path: Path) -> None:
    shutil.copy(empty_store(), tmp_path / "mlflow.db")
    trained(tmp_path, "-m", "hydra/launcher=together", "lr=0.02,0.01,0.005")
    done = typed(tmp_path, REPRODUCE, runs(tmp_path)["lr=0.01"])
    assert done.returncode == 0, done.stderr + done.stdout
    assert "within rounding" in done.stdout or "equal, bit for bit" in done.stdout


@pytest.mark.long
def test_a_working_tree_of_its_commit_has_the_code(copied: tuple[Path, str]) -> None:
    project, run_id = copied
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    if "mlflow.source.git.commit" not in client.get_run(run_id).data.tags:
        pytest.skip("not a git checkout")
    done = typed(project, REPRODUCE, run_id, "--code")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "equal, bit for bit" in done.stdout
    trees = subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "lrscope-code-" not in trees


def test_what_a_store_says_is_looked_at_before_anything_runs(copied: tuple[Path, str]) -> None:
    project, run_id = copied
    (file,) = project.glob(f"mlruns/*/{run_id}/artifacts/overrides.yaml")
    file.write_text("- dataset._target_=os.system\n- +dataset.command=touch mine\n")
    done = typed(project, REPRODUCE, run_id)
    assert done.returncode == 2
    assert "os.system" in done.stderr and not (project / "mine").exists()
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    client.set_tag(run_id, "mlflow.source.git.commit", "--upload-pack=touch mine")
    file.write_text("- lr=0.02\n- dataset=blobs\n- epochs=2\n- trainer=cpu\n")
    done = typed(project, REPRODUCE, run_id, "--code")
    assert done.returncode == 2 and "has no commit" in done.stderr
    assert len(runs(project)) == 1


def test_other_data_is_refused(copied: tuple[Path, str]) -> None:
    project, run_id = copied
    done = typed(project, REPRODUCE, run_id, "dataset.seed=9")
    assert done.returncode == 2
    assert "the data here is another: digest " in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_is_no_run_is_told_in_one_line(copied: tuple[Path, str]) -> None:
    project, _ = copied
    done = typed(project, REPRODUCE, "f" * 32)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_the_first_step_that_differs_is_found() -> None:
    """At step 9 rounding explains 4 · 10 units: 40 · 2^-23 = 4.8e-6 of the value's size."""
    steps = np.arange(10)
    then, off = np.full(10, 2.0), np.full(10, 2.0)
    off[9] += 8e-6
    pair = _both(Series(steps, then), Series(steps, off))
    found = _first("train/loss", *pair, bound=0.0)
    assert found is not None and (found.step, found.then) == (9, 2.0)
    assert _first("train/loss", *pair, bound=4 * UNIT) is None
    off[9] += 8e-6
    beyond = _first("train/loss", *_both(Series(steps, then), Series(steps, off)), bound=4 * UNIT)
    assert beyond is not None and beyond.step == 9


def test_a_difference_is_told_beside_the_spread_over_seeds(store_project: Path) -> None:
    """0.49, 0.50, 0.51 have the standard deviation 0.01; 0.495 lies 0.005 from the first, 0.6 lies 0.11 from it."""
    uri = f"sqlite:///{store_project / 'mlflow.db'}"
    _, members = store_sweep(uri, seeds(0.49, 0.50, 0.51))
    _, (near, far) = store_sweep(uri, seeds(0.495, 0.6))
    client = MlflowClient(uri)
    words = over_seeds(client, members[0], near)
    assert words == "the last val/loss differs by 0.005, within its spread over 3 seeds (standard deviation 0.01)"
    assert "differs by 0.11, beyond its spread" in str(over_seeds(client, members[0], far))


def test_a_run_that_ended_early_is_not_the_same() -> None:
    whole, short = Series(np.arange(4), np.ones(4)), Series(np.arange(3), np.ones(3))
    found = _first("train/loss", *_both(whole, short), bound=4 * UNIT)
    assert found is not None and found.step == 3
    assert not Sameness(0, 0, None, None, None, 0).equal, "nothing was compared"


LOAD = """
import sys, lrscope
print(lrscope.Run.load(sys.argv[1], {store!r}).load_model())
"""


@pytest.mark.long
@pytest.mark.parametrize("where", ["a lone run", "a member"])
def test_data_outside_of_the_project_that_was_typed_here_is_believed(tmp_path: Path, where: str) -> None:
    """The journal of a run that has ended is gone, the words that were typed are not."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(empty_store(), project / "mlflow.db")
    lines = ["size,price", *(f"{size},{size * 3 + 7}" for size in range(1, 41))]
    (tmp_path / "houses.csv").write_text("\n".join(lines))
    words = ["lr=0.02"] if where == "a lone run" else ["-m", "lr=0.02,0.01"]
    data = ("dataset=table", "dataset.path=../houses.csv", "dataset.target=price")
    done = typed(project, str(ROOT / "train.py"), *words, "epochs=2", "trainer=cpu", *data)
    assert done.returncode == 0, done.stderr
    assert not list(project.glob("outputs/spool/*/events.jsonl"))
    run_id = next(run_id for name, run_id in runs(project).items() if "lr=0.02" in name)
    script = tmp_path / "load.py"
    script.write_text(LOAD.format(store=f"sqlite:///{project / 'mlflow.db'}"))
    loaded = typed(project, str(script), run_id)
    assert loaded.returncode == 0 and "MLP(" in loaded.stdout, loaded.stderr
    again = typed(project, REPRODUCE, run_id)
    assert again.returncode == 0, again.stderr + again.stdout
    (project / "outputs/spool/typed.jsonl").unlink()
    elsewhere = typed(project, REPRODUCE, run_id)
    assert elsewhere.returncode == 2 and "leads out of this project" in elsewhere.stderr
