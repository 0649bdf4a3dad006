"""Images in folders, one for each class."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part
from lrscope.datasets.given_file import check_choice, given
from lrscope.datasets.image_files import ImageFile, ImagePreprocessing, Listing, list_images
from lrscope.datasets.image_store import CACHES, decoded, wants_file
from lrscope.datasets.split import split_rows


def image_folder(
    name: str = "images",
    path: str | None = None,
    size: int | Sequence[int] = 64,
    channels: int = 3,
    seed: int = 0,
    val_fraction: float = 0.2,
    cache: str = "auto",
) -> Data:
    """Images float32 [N, channels, *size] in 0 to 1, classes by the names of their folders.

    ``FOLDER/CLASS/*.jpg``, or ``FOLDER/train/CLASS/*.jpg`` beside ``val`` and ``test``; without ``val`` a part of the
    training images validates, drawn by ``seed``.

    Args:
        size: side of the square, or [height, width], that every image is resized to.
        channels: 3 for colour, 1 for grey.
        cache: ``auto`` keeps the decoded images in memory, and where they would take half of what is free in a file
            that is mapped; ``always`` and ``never`` do one of the two.

    Raises:
        InputError: a folder without images or with broken ones; a wrong number.
    """
    check_choice("dataset.cache", cache, CACHES)
    preprocessing = _preprocessing(size, channels)
    folder = given(path, "images", "photos/", folder=True)
    listing = list_images(folder)
    parts, how, told = _with_val(listing, val_fraction, seed)
    files = [image.file for part in parts.values() for image in part]
    in_file = wants_file(len(files), preprocessing, cache)
    pixels = decoded(files, preprocessing, in_file).split([len(part) for part in parts.values()])
    made = {
        part: Part(inputs, torch.tensor([image.label for image in images]))
        for (part, images), inputs in zip(parts.items(), pixels, strict=True)
    }
    if listing.other:
        told.append(f"passed over, no images: {listing.other} files")
    if in_file:
        told.append("the decoded images lie in a file below outputs/cache, which may be deleted")
    return Data(
        name,
        "classification",
        made["train"],
        made["val"],
        made.get("test"),
        classes=listing.classes,
        source=f"{folder}: {len(made['train'])} images train, {len(made['val'])} validate ({how})",
        val_is_drawn="val" not in listing.parts,
        notes=tuple(f"{folder.name}: {words}" for words in told),
        preprocessing=preprocessing,
    )


def _preprocessing(size: int | Sequence[int], channels: int) -> ImagePreprocessing:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or min(sides) < 1:
        raise InputError(Problem("dataset.size", str(size), "must be a side, or [height, width]", "Try 64."))
    if channels not in (1, 3):
        raise InputError(Problem("dataset.channels", str(channels), "must be 3 (colour) or 1 (grey)", "Try 3."))
    return ImagePreprocessing((sides[0], sides[1]), channels)


def _with_val(listing: Listing, val_fraction: float, seed: int) -> tuple[dict[str, list[ImageFile]], str, list[str]]:
    """The parts, how the validation part was had, and what is to be told."""
    if "val" in listing.parts:
        return listing.parts, "in folders of their own", []
    images = listing.parts["train"]
    labels = torch.tensor([image.label for image in images])
    train, val = split_rows(labels, val_fraction, seed)
    validated = set(labels[val].tolist())
    rare = [name for number, name in enumerate(listing.classes) if number not in validated]
    told = [f"{name} has too few images to validate it: it trains only" for name in rare]
    parts = {"train": [images[row] for row in train.tolist()], "val": [images[row] for row in val.tolist()]}
    return {**listing.parts, **parts}, f"drawn by seed {seed}", told
