"""SIGNS: both layouts, and what is said where the files are missing or damaged."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from lrscope.core.errors import InputError
from lrscope.datasets.signs import signs
from real_signs import FOLDER, needs_signs


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 64, 64, 3), np.uint8)


def write_h5(folder: Path, part: str, n: int, **changed: np.ndarray) -> None:
    sets = {f"{part}_set_x": images(n), f"{part}_set_y": np.arange(n) % 6, "list_classes": np.arange(6)}
    with h5py.File(folder / f"{part}_signs.h5", "w") as file:
        for key, value in (sets | changed).items():
            if value is not None:
                file[key] = value


def write_images(folder: Path, part: str, n: int, size: int = 64) -> None:
    (folder / f"{part}_signs").mkdir()
    for k in range(n):
        picture = Image.fromarray(np.full((size, size, 3), 40 * (k % 6), np.uint8))
        picture.save(folder / f"{part}_signs" / f"{k % 6}_IMG_{k:04}.jpg")


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        signs(path=str(folder))
    assert error.value.exit_code == 2 and len(error.value.problems) == 1
    return str(error.value)


def test_from_h5_the_test_images_validate_and_are_labelled_so(tmp_path):
    write_h5(tmp_path, "train", 12)
    write_h5(tmp_path, "test", 6)
    data = signs(path=str(tmp_path))
    assert (data.input_shape, data.outputs, len(data.train), len(data.val)) == ((3, 64, 64), 6, 12, 6)
    assert data.test is None and "the 6 test images serve as val" in data.source
    expected = torch.from_numpy(images(12)).permute(0, 3, 1, 2) / 255
    assert torch.equal(data.train.inputs, expected)


def test_from_folders(tmp_path):
    for part, n in (("train", 12), ("val", 6), ("test", 6)):
        write_images(tmp_path, part, n)
    data = signs(path=str(tmp_path))
    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 6, 6]
    assert torch.equal(data.train.targets.bincount(), torch.full((6,), 2))
    brightness = data.train.inputs.mean((1, 2, 3))
    assert torch.allclose(brightness, data.train.targets * 40 / 255, atol=0.01)


def test_folders_without_val_and_of_larger_images(tmp_path):
    write_images(tmp_path, "train", 6, size=300)
    write_images(tmp_path, "test", 6)
    data = signs(path=str(tmp_path))
    assert data.input_shape == (3, 64, 64) and data.test is None
    assert "the 6 test images serve as val" in data.source


def test_a_missing_file_is_named_with_every_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("LRSCOPE_SIGNS", str(tmp_path / "nothing"))
    with pytest.raises(InputError) as error:
        signs()
    words = str(error.value)
    assert f"train_signs.h5 is missing; looked for {tmp_path}/nothing/train_signs.h5" in words
    assert f"{tmp_path}/nothing/train_signs/K_IMG_NNNN.jpg" in words
    assert f"Put train_signs.h5 and test_signs.h5 into {tmp_path}/nothing" in words
    assert "python train.py experiment=signs dataset=fingers" in words


def test_without_a_path_the_projects_data_folder_is_meant(monkeypatch):
    monkeypatch.delenv("LRSCOPE_SIGNS", raising=False)
    monkeypatch.setenv("LRSCOPE_ROOT", "/nowhere")
    with pytest.raises(InputError, match=r"looked for /nowhere/data/signs/train_signs.h5"):
        signs()


def test_a_file_in_place_of_its_folder_is_told_as_one(tmp_path):
    write_h5(tmp_path, "train", 6)
    words = refused(tmp_path / "train_signs.h5")
    assert words.endswith(f"is a file, and no folder. Name the folder that it lies in: dataset.path={tmp_path}")


def test_the_other_file_is_named_where_only_that_is_missing(tmp_path):
    write_h5(tmp_path, "train", 6)
    assert "test_signs.h5 is missing" in refused(tmp_path)


def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path):
    write_h5(tmp_path, "train", 6)
    (tmp_path / "test_signs.h5").write_bytes(b"not an h5 file")
    assert f"{tmp_path}/test_signs.h5 is damaged" in refused(tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"train_set_y": None}, "train_set_y"),
        (
            {"train_set_x": np.zeros((6, 32, 32, 3), np.uint8)},
            "train_set_x is uint8 (6, 32, 32, 3), not uint8 [N, 64",
        ),
        ({"train_set_x": np.zeros((6, 64, 64, 3))}, "train_set_x is float64"),
        ({"train_set_y": np.zeros(5, np.int64)}, "6 images do not fit 5 classes"),
        ({"train_set_y": np.full(6, 9)}, "classes go from 9 to 9, not from 0 to 5"),
    ],
)
def test_contents_that_do_not_fit_are_named(tmp_path, changed, words):
    write_h5(tmp_path, "train", 6, **changed)
    write_h5(tmp_path, "test", 6)
    message = refused(tmp_path)
    assert words in message and f"{tmp_path}/train_signs.h5 is damaged" in message


def test_a_damaged_or_misnamed_image_is_named(tmp_path):
    write_images(tmp_path, "train", 6)
    write_images(tmp_path, "val", 6)
    wrong = tmp_path / "val_signs" / "7_IMG_0001.jpg"
    (tmp_path / "val_signs" / "0_IMG_0000.jpg").rename(wrong)
    assert "7_IMG_0001.jpg is damaged: its name should start with a class from 0 to 5" in refused(tmp_path)
    wrong.write_bytes(b"no image")
    assert f"{wrong} is damaged" in refused(tmp_path)


def test_an_empty_folder_is_a_missing_file(tmp_path):
    (tmp_path / "train_signs").mkdir()
    assert f"looked for {tmp_path}/train_signs/K_IMG_NNNN.jpg" in refused(tmp_path)


class TestRealFiles:
    pytestmark = needs_signs

    def test_sizes_and_shares(self):
        data = signs(path=FOLDER)
        assert (len(data.train), len(data.val)) == (1080, 120)
        assert data.class_shares == (1 / 6,) * 6
        assert data.val.targets.bincount().tolist() == [20] * 6
        assert data.digest == "12580fbcbff59b32"
