"""Two overlapping clouds of points, made from a seed."""

from __future__ import annotations

import numpy as np
import torch

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part


def blobs(
    name: str = "blobs",
    seed: int = 0,
    examples: int = 1200,
    val_examples: int = 300,
    features: int = 5,
    distance: float = 3.0,
) -> Data:
    """Two classes, half of the examples each, normally distributed around two centres: float32 [N, features].

    Args:
        seed: decides the direction from centre to centre and every point.
        distance: between the centres, in standard deviations; at 3 nobody can be right in more than 93.3%.

    Raises:
        InputError: fewer than two examples in a part, or no feature.
    """
    sizes = {"examples": (examples, 2), "val_examples": (val_examples, 2), "features": (features, 1)}
    wrong = [
        Problem(
            f"dataset.{key}",
            str(value),
            f"must be at least {least}",
            f"Use e.g. dataset.{key}={100 * least}.",
        )
        for key, (value, least) in sizes.items()
        if value < least
    ]
    if wrong:
        raise InputError(wrong)
    generator = np.random.default_rng(seed)
    direction = generator.standard_normal(features)
    direction /= np.linalg.norm(direction)
    train, val = (_part(generator, n, distance * direction) for n in (examples, val_examples))
    source = f"two normal clouds {distance:g} standard deviations apart, made from seed {seed}"
    return Data(name, "classification", train, val, classes=("0", "1"), source=source)


def _part(generator: np.random.Generator, n: int, apart: np.ndarray) -> Part:
    classes = generator.permutation(np.arange(n) % 2)
    points = generator.standard_normal((n, len(apart))) + np.outer(classes - 0.5, apart)
    return Part(torch.from_numpy(points.astype(np.float32)), torch.from_numpy(classes))
