"""Folders of images: which files there are, of which class, in which part; and how one becomes numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.datasets.given_file import refuse

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test",)}
LAYOUT = "It needs a folder for each class, with images in it: cats/1.jpg, dogs/2.jpg; or such in train/ and val/."


@dataclass(frozen=True)
class ImagePreprocessing:
    """From images to inputs: turned as the camera says, of so many channels, resized, 0 to 1."""

    size: tuple[int, int]
    channels: int

    def inputs(self, raw: Sequence[Any]) -> Tensor:
        """Images of Pillow as float32 [N, channels, *size]."""
        return torch.from_numpy(np.stack([self.pixels(image) for image in raw]))

    def pixels(self, image: Any) -> NDArray[np.float32]:
        """One image of Pillow as float32 [channels, *size]."""
        from PIL import Image, ImageOps

        upright = ImageOps.exif_transpose(image).convert("RGB" if self.channels == 3 else "L")
        resized = upright.resize(self.size[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(resized, dtype=np.float32) / np.float32(255)
        return np.moveaxis(pixels, -1, 0) if self.channels == 3 else pixels[None]


@dataclass(frozen=True)
class ImageFile:
    """One image and the number of its class."""

    file: Path
    label: int


@dataclass(frozen=True)
class Listing:
    """The images of a folder by part, in the order of their names; ``other`` files lie beside them."""

    classes: tuple[str, ...]
    parts: dict[str, list[ImageFile]]
    other: int


def list_images(folder: Path) -> Listing:
    """What a folder holds.

    Raises:
        InputError: no image, a single class, a class that does not train.
    """
    roofs = {part: next((folder / n for n in names if (folder / n).is_dir()), None) for part, names in PARTS.items()}
    if roofs["train"] is None:
        roofs = {"train": folder}
    by_class = {part: _by_class(roof) for part, roof in roofs.items() if roof is not None}
    classes = tuple(sorted(by_class["train"]))
    if not classes:
        refuse(folder, f"holds no image {'in a folder of its class' if any(_images(folder)) else ''}".strip(), LAYOUT)
    if len(classes) < 2:
        refuse(folder, f"holds images of one class, {classes[0]!r}: there is nothing to tell apart", LAYOUT)
    for part, found in by_class.items():
        if unknown := sorted(set(found) - set(classes)):
            rule = f"{part}/ has images of {unknown[0]!r}, and no training image is of it"
            refuse(folder, rule, "Put some into train/, or take that folder away.")
    parts = {
        part: [ImageFile(file, classes.index(name)) for name, files in sorted(found.items()) for file in files]
        for part, found in by_class.items()
    }
    images = sum(map(len, parts.values()))
    roofs_used = [roof for roof in roofs.values() if roof is not None]
    return Listing(classes, parts, sum(1 for roof in roofs_used for file in _files(roof)) - images)


def _by_class(roof: Path) -> dict[str, list[Path]]:
    """The images of each folder that has some, those in folders below it included."""
    folders = [path for path in sorted(roof.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    found = {folder.name: list(_images(folder)) for folder in folders}
    return {name: files for name, files in found.items() if files}


def _images(folder: Path) -> list[Path]:
    return [file for file in _files(folder) if file.suffix.lower() in ENDINGS]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
