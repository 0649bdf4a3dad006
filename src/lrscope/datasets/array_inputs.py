"""Arrays as inputs: bytes as pixels, images with their channels first, columns standardised where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SCALES = ("auto", "pixels", "columns", "none")
CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class ArrayPreprocessing:
    """From stored arrays to inputs.

    ``divide``: by this. ``means``, ``deviations``: of each column, none where they stay. ``channels``: ``last`` are
    moved to the front, ``none`` get an axis of their own.
    """

    divide: float = 1.0
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    channels: str = "as stored"

    def inputs(self, raw: NDArray[Any]) -> Tensor:
        """[N, ...]: float32, or int64 for whole numbers that nothing is done to (token ids)."""
        if raw.dtype.kind in "iu" and self == ArrayPreprocessing():
            return torch.from_numpy(raw.astype(np.int64))
        values = raw.astype(np.float32) / np.float32(self.divide) if self.divide != 1 else raw.astype(np.float32)
        if self.means:
            flat = values.reshape(len(values), -1)
            values = ((flat - self.means) / self.deviations).astype(np.float32).reshape(values.shape)
        if self.channels == "last":
            values = np.moveaxis(values, -1, 1)
        elif self.channels == "none":
            values = values[:, None]
        return torch.from_numpy(np.ascontiguousarray(values))


def learn_inputs(train: NDArray[Any], scale: str) -> tuple[ArrayPreprocessing, list[str]]:
    """What is done to inputs like these, and what is to be told of it."""
    told: list[str] = []
    pixels = scale == "pixels" or (scale == "auto" and train.dtype == np.uint8)
    divide = (float(np.iinfo(train.dtype).max) if train.dtype.kind in "iu" else float(train.max())) if pixels else 1.0
    channels = "as stored"
    if pixels and train.ndim == 3:
        channels = "none"
    elif train.ndim == 4 and train.shape[-1] in CHANNELS and train.shape[1] not in CHANNELS:
        channels = "last"
        told.append(f"images {list(train.shape[1:])} are taken with their channels last, and given with them first")
    if scale == "auto" and pixels:
        told.append(f"bytes are divided by {divide:g} (dataset.scale=none leaves them)")
    if scale != "columns":
        return ArrayPreprocessing(divide, channels=channels), told
    flat = train.reshape(len(train), -1).astype(np.float64)
    deviations = flat.std(0)
    deviations[deviations == 0] = 1.0
    return ArrayPreprocessing(1.0, tuple(flat.mean(0).tolist()), tuple(deviations.tolist()), channels), told
