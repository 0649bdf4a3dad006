"""``Run.load_model``: the weights that were best, in the network of the run; what is not trusted is not made."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient

import lrscope
from lrscope.training.checkpoint_folder import read_checkpoint

WORDS = ("dataset=blobs", "trainer=cpu", "dataset.examples=64", "dataset.val_examples=32")
OWN = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(nn.Linear(input_shape[0], outputs))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "mlflow.db").write_bytes(fresh_database.read_bytes())
    (folder / "ownnet.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("LRSCOPE_ROOT", str(folder))
        yield folder


@pytest.fixture(scope="module")
def run(root: Path) -> lrscope.Run:  # noqa: ARG001
    return lrscope.train(*WORDS, epochs=4, lr=0.05, seed=3, model={"hidden": [7, 5]})


def checkpoint(root: Path, run: lrscope.Run, name: str = "best.ckpt") -> Path:
    (found,) = (root / "mlruns").glob(f"*/{run.run_id}/artifacts/checkpoints/{name}")
    return found


def test_it_answers_with_the_best_weights(root: Path, run: lrscope.Run) -> None:
    words = list(sys.argv), list(sys.path)
    network = run.load_model()
    kept = read_checkpoint(checkpoint(root, run))["state_dict"]
    own = network.state_dict()
    assert not network.training and {f"network.{key}" for key in own} == set(kept)
    assert all(torch.equal(own[key.removeprefix("network.")], value) for key, value in kept.items())
    assert (list(sys.argv), list(sys.path)) == words


def test_members_of_a_sweep_have_their_own(root: Path) -> None:
    sweep = lrscope.sweep(*WORDS, "tracking.log_model=none", epochs=2, lr=[0.1, 0.01])
    for one in sweep:
        kept = read_checkpoint(checkpoint(root, one))["state_dict"]
        assert all(torch.equal(kept[f"network.{key}"], value) for key, value in one.load_model().state_dict().items())


def test_a_class_of_ones_own_is_made_once_it_is_trusted(root: Path) -> None:  # noqa: ARG001
    run = lrscope.train(*WORDS, "model._target_=ownnet.Net", epochs=1, lr=0.05)
    with pytest.raises(lrscope.InputError, match=r"ownnet\.Net is not of a package that is trusted here"):
        run.load_model()
    assert type(run.load_model(trust=["ownnet"])).__name__ == "Net"


def test_words_that_somebody_put_into_the_store_do_nothing_but_set_the_training(root: Path, run: lrscope.Run) -> None:
    (file,) = (root / "mlruns").glob(f"*/{run.run_id}/artifacts/overrides.yaml")
    before = file.read_text()
    for words, said in (
        ("- model._target_=os.system\n- +model.command=true\n", "os.system is not of a package that is trusted"),
        ("- hydra.run.dir=/tmp\n", "it sets Hydra's own configuration"),
        ("- !!python/object/apply:os.system [true]\n", "holds no list of words"),
        ("- model=none\n", "its command does not compose today"),
        ("- model.hidden=[3]\n- dataset=blobs\n", "its weights do not fit the network"),
    ):
        file.write_text(words)
        with pytest.raises(lrscope.InputError, match=said):
            run.load_model()
    file.write_text(before)


def test_a_checkpoint_that_would_run_something_is_refused(root: Path, run: lrscope.Run) -> None:
    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (root / "ran",))  # type: ignore[return-value]

    best = checkpoint(root, run)
    before = best.read_bytes()
    torch.save({"state_dict": Runs()}, best, pickle_module=pickle)
    with pytest.raises(lrscope.InputError, match=r"best.ckpt holds no weights \(\w+\). Nothing in it was run"):
        run.load_model()
    assert not (root / "ran").exists()
    best.write_bytes(before)


def test_a_run_of_another_program_is_told(root: Path) -> None:
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    made = client.create_run(client.create_experiment("other", artifact_location=str(root / "mlruns" / "other")))
    with pytest.raises(lrscope.InputError, match="is not a run of lrscope's"):
        lrscope.Run.load(made.info.run_id).load_model()
