"""Arrays of files as others write them: what they become, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.arrays import arrays
from lrscope.datasets.conform import conformed

X = np.random.default_rng(0).integers(0, 256, (40, 6, 5), np.uint8)
Y = np.arange(40) % 4


def test_every_kind_of_file_gives_the_same(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    torch.save({"images": torch.tensor(X), "labels": torch.tensor(Y)}, tmp_path / "a.pt")
    torch.save((torch.tensor(X), torch.tensor(Y)), tmp_path / "pair.pt")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/pictures"], file["deep/what"] = X, Y
    choices = [
        {"path": "a.npz"},
        {"path": "x.npy", "targets_path": str(tmp_path / "y.npy")},
        {"path": "a.pt"},
        {"path": "pair.pt"},
        {"path": "a.h5", "inputs": "deep/pictures", "targets": "deep/what"},
    ]
    made = [arrays(**{**choice, "path": str(tmp_path / choice["path"])}) for choice in choices]  # type: ignore[arg-type]
    assert len({data.digest for data in made}) == 1
    assert made[0].train.inputs.shape == (32, 1, 6, 5) and made[0].task == "classification"
    assert made[0].train.inputs.max().item() == pytest.approx(X.max() / 255, abs=0.02)


def test_parts_of_their_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:8], y_test=Y[:8], x_val=X[:4], y_val=Y[:4])
    data = arrays(path=str(tmp_path / "a.npz"))
    assert data.val is not None and data.test is not None
    assert (len(data.train), len(data.val), len(data.test)) == (40, 4, 8)


def test_images_with_their_channels_last(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x=colours, y=Y)
    data = arrays(path=str(tmp_path / "a.npz"), val_fraction=0.5)
    assert data.input_shape == (3, 6, 5)
    raw = data.preprocessing.inputs(colours[:1])  # type: ignore[union-attr]
    assert raw[0, 2, 1, 4].item() == pytest.approx(colours[0, 1, 4, 2] / 255)


def test_columns_are_standardised_by_the_training_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(80.0).reshape(40, 2), y=np.linspace(5, 9, 40))
    data = arrays(path=str(tmp_path / "a.npz"), scale="columns")
    assert data.task == "regression" and data.target_scale is not None
    assert data.train.inputs.mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert data.train.targets.std(correction=0).item() == pytest.approx(1, rel=1e-5)


def test_whole_numbers_are_token_ids_and_words_are_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(120).reshape(40, 3) % 50, y=np.array(["cat", "dog"] * 20))
    data = conformed(arrays(path=str(tmp_path / "a.npz")), "arrays")
    assert data.train.inputs.dtype == torch.int64 and data.vocabulary == 50 and data.padding is None
    assert data.classes == ("cat", "dog")


class Trap:
    """Unpickled it would leave a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("kind", ["trap.pt", "trap.npy", "trap.npz"])
def test_code_in_a_file_is_not_run(tmp_path: Path, kind: str) -> None:
    trap = Trap(tmp_path / "sprung")
    if kind == "trap.pt":
        torch.save({"x": trap}, tmp_path / kind)
    elif kind == "trap.npy":
        np.save(tmp_path / kind, np.array([trap], dtype=object), allow_pickle=True)
    else:
        np.savez(tmp_path / kind, x=np.array([trap], dtype=object))
    with pytest.raises(InputError, match="holds more than arrays, and code in it is not run") as raised:
        arrays(path=str(tmp_path / kind))
    assert len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "sprung").exists()


WRONG = {
    "no inputs": ({"a": X, "y": Y}, {}, "it is not clear which are the inputs. Add dataset.inputs=NAME"),
    "no targets": (
        {"x": X},
        {},
        "it is not clear which are the targets. Add dataset.targets=NAME, or dataset.",
    ),
    "another name": ({"x": X, "y": Y}, {"inputs": "z"}, "dataset.inputs=z: holds no array of that name. It holds x, y"),
    "other lengths": ({"x": X, "y": Y[:5]}, {}, "x has 40 examples and y has 5"),
    "nan": ({"x": np.array([[1.0], [np.nan]]), "y": Y[:2]}, {}, "x[1, 0] is nan, no finite number"),
    "no numbers": ({"x": np.array(["a", "b"]), "y": Y[:2]}, {}, "x is of the type <U1, no numbers"),
    "none": ({"x": X[:0], "y": Y[:0]}, {}, "x holds no example"),
    "one class": ({"x": X, "y": Y * 0}, {"task": "classification"}, "every target is 0: there is nothing to predict"),
    "rows of classes": ({"x": X, "y": np.eye(4)[Y]}, {"task": "classification"}, "but a class is one value an example"),
    "words as numbers": ({"x": X, "y": Y.astype(str)}, {"task": "regression"}, "the targets are words, no numbers"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told(tmp_path: Path, what: str) -> None:
    held, choice, words = WRONG[what]
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(InputError, match=re.escape(words)):
        arrays(path=str(tmp_path / "a.npz"), **choice)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.pt", "a.h5", "a.mat"])
def test_files_that_are_none(tmp_path: Path, name: str) -> None:
    for content in (b"", b"nonsense that is no array at all"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"dataset\.path=.*{name}: ") as raised:
            arrays(path=str(tmp_path / name))
        assert len(str(raised.value).splitlines()) == 1
