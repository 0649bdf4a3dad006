"""Folders of images as a camera and its owner leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lrscope.core.errors import InputError
from lrscope.datasets import image_store
from lrscope.datasets.image_folder import image_folder


def painted(file: Path, shade: int, size: tuple[int, int] = (9, 7), mode: str = "RGB") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, (shade, 0, 0) if mode == "RGB" else shade).save(file)


def photos(folder: Path, each: int = 5) -> Path:
    for number in range(each):
        painted(folder / "Äpfel" / f"{number}.png", 200, (9 + number, 7))
        painted(folder / "birds" / "young" / f"{number}.BMP", 50, mode="L")
    return folder


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    (photos(tmp_path) / "birds" / "notes.txt").write_text("seen in May")
    data = image_folder(path=str(tmp_path), size=4)
    assert data.classes == ("birds", "Äpfel") and data.input_shape == (3, 4, 4)
    assert data.val is not None and (len(data.train), len(data.val)) == (8, 2)
    apple = data.train.inputs[data.train.targets == 1][0]
    assert apple[:, 2, 2].tolist() == pytest.approx([200 / 255, 0, 0])
    assert data.notes == (f"{tmp_path.name}: passed over, no images: 1 files",)


def test_folders_for_the_parts(tmp_path: Path) -> None:
    for part, each in (("train", 3), ("val", 2), ("test", 1)):
        photos(tmp_path / part, each)
    data = image_folder(path=str(tmp_path), size=[2, 4], channels=1)
    assert data.val is not None and data.test is not None
    assert [len(part) for part in (data.train, data.val, data.test)] == [6, 4, 2]
    assert data.input_shape == (1, 2, 4)


def test_images_in_a_mapped_file_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRSCOPE_ROOT", str(tmp_path / "root"))
    folder = str(photos(tmp_path / "photos"))
    in_memory = image_folder(path=folder, size=8, cache="never")
    monkeypatch.setattr(image_store, "free_bytes_of_machine", lambda: 1000)
    mapped = image_folder(path=folder, size=8)
    assert mapped.digest == in_memory.digest
    (file,) = (tmp_path / "root" / image_store.FOLDER).iterdir()
    assert file.stat().st_size == 10 * 3 * 8 * 8 * 4
    assert any("outputs/cache" in words for words in mapped.notes)
    before = file.stat().st_mtime_ns
    image_store._decoded.cache_clear()
    assert image_folder(path=folder, size=8).digest == mapped.digest and file.stat().st_mtime_ns == before
    painted(tmp_path / "photos" / "Äpfel" / "0.png", 10)
    assert image_folder(path=folder, size=8).digest != mapped.digest, "an image that changed is decoded anew"


def test_an_image_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    photos(tmp_path)
    turned = Image.fromarray(np.repeat(np.array([255, 0], np.uint8), 8).reshape(8, 2))
    exif = turned.getexif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "birds" / "0.png", exif=exif)
    data = image_folder(path=str(tmp_path), size=2, channels=1, val_fraction=0.1)
    found = torch.cat([data.train.inputs, data.val.inputs])  # type: ignore[union-attr]
    assert any((image[0] > 0.5).tolist() == [[False, False], [True, True]] for image in found)


def test_a_class_of_one_image_trains_and_is_told(tmp_path: Path) -> None:
    painted(photos(tmp_path) / "rare" / "1.png", 9)
    data = image_folder(path=str(tmp_path), size=4)
    assert 2 in data.train.targets and any("rare has too few images" in words for words in data.notes)


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        image_folder(path=str(tmp_path))
    painted(tmp_path / "loose.png", 1)
    with pytest.raises(InputError, match="holds no image in a folder of its class"):
        image_folder(path=str(tmp_path))
    painted(tmp_path / "a" / "1.png", 1)
    with pytest.raises(InputError, match="images of one class, 'a'"):
        image_folder(path=str(tmp_path))
    photos(tmp_path)
    (tmp_path / "birds" / "broken.png").write_bytes((tmp_path / "a" / "1.png").read_bytes()[:40])
    (tmp_path / "birds" / "torn.jpg").write_text("no image")
    with pytest.raises(
        InputError, match=r"birds/broken\.png: this image cannot be read \(.*\), and 1 others"
    ) as raised:
        image_folder(path=str(tmp_path), size=4)
    assert len(str(raised.value).splitlines()) == 1
    for choice, words in (({"size": 0}, "dataset.size=0"), ({"channels": 2}, "dataset.channels=2")):
        with pytest.raises(InputError, match=words):
            image_folder(path=str(tmp_path), **choice)
    with pytest.raises(InputError, match="is no folder"):
        image_folder(path=str(tmp_path / "loose.png"))


def test_a_class_that_does_not_train(tmp_path: Path) -> None:
    photos(tmp_path / "train")
    painted(photos(tmp_path / "val") / "other" / "1.png", 9)
    with pytest.raises(InputError, match="val/ has images of 'other', and no training image is of it"):
        image_folder(path=str(tmp_path))
