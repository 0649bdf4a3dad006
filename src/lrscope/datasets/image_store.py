"""Images decoded once: in memory, or in a file that is mapped where they are too many for it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lrscope.core.free_memory import free_bytes_of_machine
from lrscope.core.paths import resolve
from lrscope.datasets.given_file import refuse
from lrscope.datasets.image_files import ImagePreprocessing

CACHES = ("auto", "always", "never")

SHARE = 0.5
"""Of the memory that is free: images that would take more of it go into a file."""

FOLDER = "outputs/cache/images"
TOLD = 3
WORKERS = 4
AT_ONCE = 64


def wants_file(images: int, preprocessing: ImagePreprocessing, cache: str) -> bool:
    """Whether the decoded images go into a file."""
    return cache == "always" or (cache == "auto" and _bytes(images, preprocessing) > SHARE * free_bytes_of_machine())


def decoded(files: Sequence[Path], preprocessing: ImagePreprocessing, in_file: bool) -> Tensor:
    """All images in this order: float32 [N, channels, *size].

    In a file they are read as they are needed, by the system, which lets them go where it needs the memory. The file
    has its name of the images' names, sizes and times: it is made again when one of them changes.

    Raises:
        InputError: files that are no images, or a disk that is full.
    """
    stamps = tuple((str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files)
    return _decoded(stamps, preprocessing, in_file)


@lru_cache(maxsize=1)
def _decoded(stamps: tuple[tuple[str, int, int], ...], preprocessing: ImagePreprocessing, in_file: bool) -> Tensor:
    """What is looked at before the training is not decoded for it again."""
    files = [Path(name) for name, _, _ in stamps]
    shape = (len(files), preprocessing.channels, *preprocessing.size)
    if not in_file:
        pixels = torch.empty(shape)
        _decode(files, preprocessing, pixels)
        return pixels
    identity = hashlib.sha256(repr((stamps, preprocessing)).encode()).hexdigest()[:16]
    place = resolve(FOLDER) / f"{identity}.f32"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_suffix(f".{os.getpid()}")
        try:
            _decode(files, preprocessing, _mapped(unfinished, shape, shared=True))
            unfinished.rename(place)
        except RuntimeError as error:
            refuse(place, f"this file cannot be made ({str(error).splitlines()[0]})", "Make room, or a smaller size.")
        finally:
            unfinished.unlink(missing_ok=True)
    return _mapped(place, shape, shared=False)


def _mapped(place: Path, shape: tuple[int, ...], *, shared: bool) -> Tensor:
    size = torch.Size(shape).numel()
    return torch.from_file(str(place), shared=shared, size=size, dtype=torch.float32).view(shape)


def _decode(files: Sequence[Path], preprocessing: ImagePreprocessing, into: Tensor) -> None:
    broken: list[tuple[Path, str]] = []

    def one(place: int) -> None:
        from PIL import Image

        try:
            with Image.open(files[place]) as opened:
                into[place] = torch.from_numpy(preprocessing.pixels(opened))
        except Exception as error:  # Pillow's readers raise SyntaxError, struct.error … of damaged files
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            broken.append((files[place], "not an image" if "cannot identify" in words else words.rstrip(".")))

    places = iter(range(len(files)))
    with ThreadPoolExecutor(WORKERS) as pool:
        while some := list(islice(places, AT_ONCE)):
            list(pool.map(one, some))
    if broken:
        broken.sort()
        others = f", and {len(broken) - 1} others" if len(broken) > 1 else ""
        rule = f"this image cannot be read ({broken[0][1]}){others}"
        refuse(broken[0][0], rule, "Take it away, or put a whole one in its place.")


def _bytes(images: int, preprocessing: ImagePreprocessing) -> int:
    height, width = preprocessing.size
    return images * preprocessing.channels * height * width * 4
