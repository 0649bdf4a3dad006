"""The SIGNS images: hands that show 0 to 5 fingers, 64×64×3. The files are the user's, never downloaded.

Two layouts are read: ``train_signs.h5`` and ``test_signs.h5`` (datasets ``train_set_x`` uint8 [N, 64, 64,
3], ``train_set_y`` [N], ``list_classes``), and folders ``train_signs``, ``val_signs``, ``test_signs`` of
images named ``K_IMG_NNNN.jpg`` where K is the class.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lrscope.core.command_words import train_command
from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve
from lrscope.datasets.data import Data, Part

SIZE = 64
CLASSES = ("0", "1", "2", "3", "4", "5")
INSTEAD = f"{train_command()} experiment=signs dataset=fingers"

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def signs(name: str = "signs", path: str | None = None) -> Data:
    """1,080 training and 120 test images as float32 [N, 3, 64, 64] in 0 to 1, 180 and 20 of each class.

    From h5 files, and from folders without ``val_signs``, all training images train and the test images
    serve as validation; ``source`` says so.

    Args:
        path: folder of the files; None takes ``$LRSCOPE_SIGNS``, else ``data/signs`` in the project.

    Raises:
        InputError: a file is missing or damaged; nothing is ever put in its place.
    """
    folder = resolve(path or os.environ.get("LRSCOPE_SIGNS") or "data/signs")
    if (folder / "train_signs").is_dir():
        return _from_images(name, folder)
    train, test = (_read_h5(folder, part) for part in ("train", "test"))
    source = f"SIGNS from {folder}: {len(train[1])} training images; the {len(test[1])} test images serve as val"
    return Data(name, "classification", part_of(train), part_of(test), classes=CLASSES, source=source)


def part_of(images: Arrays) -> Part:
    """Images uint8 [N, H, W, 3] and their classes as a part: inputs float32 [N, 3, H, W] in 0 to 1."""
    inputs = torch.from_numpy(images[0]).permute(0, 3, 1, 2).contiguous().float().div_(255)
    return Part(inputs, torch.from_numpy(images[1]))


def _read_h5(folder: Path, part: str) -> Arrays:
    import h5py

    file = folder / f"{part}_signs.h5"
    if not file.is_file():
        raise _missing(folder, file)
    try:
        with h5py.File(file) as stored:
            images, classes = np.asarray(stored[f"{part}_set_x"]), np.asarray(stored[f"{part}_set_y"])
    except (OSError, KeyError, RuntimeError) as error:
        raise _damaged(file, str(error.args[0] if error.args else error)) from error
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (SIZE, SIZE, 3):
        raise _damaged(file, f"{part}_set_x is {images.dtype} {images.shape}, not uint8 [N, {SIZE}, {SIZE}, 3]")
    classes = classes.reshape(-1)
    if len(classes) != len(images) or not len(images):
        raise _damaged(file, f"{len(images)} images do not fit {len(classes)} classes")
    if not np.isin(classes, np.arange(len(CLASSES))).all():
        raise _damaged(file, f"classes go from {classes.min()} to {classes.max()}, not from 0 to {len(CLASSES) - 1}")
    return images, classes.astype(np.int64)


def _from_images(name: str, folder: Path) -> Data:
    train = part_of(_read_folder(folder / "train_signs"))
    test = part_of(_read_folder(folder / "test_signs")) if (folder / "test_signs").is_dir() else None
    if (folder / "val_signs").is_dir():
        val = part_of(_read_folder(folder / "val_signs"))
        source = f"SIGNS images from {folder}"
        return Data(name, "classification", train, val, test, classes=CLASSES, source=source)
    if test is None:
        raise _missing(folder, folder / "val_signs")
    source = f"SIGNS images from {folder}: {len(train)} to train; the {len(test)} test images serve as val"
    return Data(name, "classification", train, test, classes=CLASSES, source=source)


def _read_folder(folder: Path) -> Arrays:
    from PIL import Image, UnidentifiedImageError

    files = sorted(folder.glob("*_IMG_*.jpg"))
    if not files:
        raise _missing(folder.parent, folder / "K_IMG_NNNN.jpg")
    images = np.empty((len(files), SIZE, SIZE, 3), np.uint8)
    for image, file in zip(images, files, strict=True):
        try:
            with Image.open(file) as opened:
                image[...] = np.asarray(opened.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        except (UnidentifiedImageError, OSError) as error:
            raise _damaged(file, str(error)) from error
    return images, np.array([_class_of(file) for file in files], np.int64)


def _class_of(file: Path) -> int:
    label = file.name.split("_", 1)[0]
    if label not in CLASSES:
        raise _damaged(file, f"its name should start with a class from 0 to {len(CLASSES) - 1}")
    return int(label)


def _missing(folder: Path, file: Path) -> InputError:
    if folder.is_file():
        remedy = f"Name the folder that it lies in: dataset.path={folder.parent}"
        return InputError(Problem("dataset.path", str(folder), "is a file, and no folder", remedy))
    rule = f"{file.name} is missing; looked for {file} and for {folder / 'train_signs'}{os.sep}K_IMG_NNNN.jpg"
    remedy = (
        f"Put train_signs.h5 and test_signs.h5 into {folder}, or name their folder with dataset.path=FOLDER, "
        f"or train on drawn hands: {INSTEAD}"
    )
    return InputError(Problem("dataset.path", str(folder), rule, remedy))


def _damaged(file: Path, what: str) -> InputError:
    remedy = f"Replace the file, or train on drawn hands: {INSTEAD}"
    return InputError(Problem("dataset.path", str(file.parent), f"{file} is damaged: {what.rstrip('.')}", remedy))
